/** The version of this module, as the identify agent announces it; a test holds it to `deno.json` and `package.json`. */
export const VERSION = "0.1.0";
