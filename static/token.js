// JSON Web Tokens signed in the browser, for development: who has the secret is anybody.

const LIFETIME_SECONDS = 3600;

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const utf8 = (text) => new TextEncoder().encode(text);

/** Signs `claims` with HS256 for an hour. Throws, in words for the user, where it cannot. */
export const sign = async (claims, secret) => {
  // Browsers have WebCrypto on https and on localhost only.
  if (!crypto.subtle) throw new Error("signing needs https or localhost; paste a token instead");
  if (secret === "") throw new Error("there is no secret to sign with; give one or paste a token");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["sign"]);
  const expires = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS;
  const parts = [{ alg: "HS256", typ: "JWT" }, { ...claims, exp: expires }];
  const text = parts.map((part) => base64url(utf8(JSON.stringify(part)))).join(".");
  return `${text}.${base64url(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(text))))}`;
};
