import { fileURLToPath } from "node:url";

/** The root folder of the package, wherever the compiled test lies; with a slash at its end. */
export const ROOT: string = fileURLToPath(
	new URL(".", import.meta.resolve("socketry/package.json")),
);
