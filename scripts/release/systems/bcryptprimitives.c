/* wine 8 lacks the DLL from which Rust's standard library takes random bytes; every Windows since 7 has it. The bytes come
   from wine's own generator. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length)
{
    return SystemFunction036(bytes, (ULONG)length);
}
