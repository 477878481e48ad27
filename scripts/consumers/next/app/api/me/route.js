import { getValidator } from "../../../validator.mjs";

export const dynamic = "force-dynamic";

export async function GET(request) {
    const verdict = await getValidator().validateRequest(request);
    return verdict.isSuccess
        ? Response.json({ sub: verdict.claims.sub }, { headers: verdict.headers })
        : Response.json({ code: verdict.code }, { status: verdict.status, headers: verdict.headers });
}
