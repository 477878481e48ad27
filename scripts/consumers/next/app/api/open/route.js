export const dynamic = "force-dynamic";

/** Whom the proxy let pass. */
export function GET(request) {
    const subject = request.headers.get("x-verified-subject");
    return Response.json({ sub: subject === null ? null : decodeURIComponent(subject) });
}
