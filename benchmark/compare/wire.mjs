// Strings as a server has them: a parser of HTTP makes each of its own, in one piece.

/** The value of an `Authorization` field. */
export const authorizationField = (scheme, token) => fromTheWire(`${scheme} ${token}`);

/** The same characters in a string of its own. What `+` or a template gives is two strings, joined when first read. */
export const fromTheWire = text => Buffer.from(text, "latin1").toString("latin1");
