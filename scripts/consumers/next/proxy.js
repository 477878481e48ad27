// Guards /api/behind in front of its handler. A field that tells the handler about the verdict is this file's alone: what a
// client writes there is removed from every request that comes through here.

import { NextResponse } from "next/server";
import { getValidator } from "./validator.mjs";

const SUBJECT = "x-verified-subject";

export async function proxy(request) {
    const headers = new Headers(request.headers);
    headers.delete(SUBJECT);
    if (!request.nextUrl.pathname.startsWith("/api/behind")) {
        return NextResponse.next({ request: { headers } });
    }
    const verdict = await getValidator().validateRequest(request);
    if (!verdict.isSuccess) {
        return Response.json({ code: verdict.code }, { status: verdict.status, headers: verdict.headers });
    }
    headers.set(SUBJECT, encodeURIComponent(verdict.claims.sub));
    return NextResponse.next({ request: { headers }, headers: verdict.headers });
}

export const config = { matcher: ["/api/behind/:path*", "/api/open/:path*"] };
