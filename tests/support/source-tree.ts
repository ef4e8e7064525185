import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { ROOT } from "./root.ts";

/** One file of the package as the meta tests see it. */
export interface SourceFile {
	/** From the folder of the sources, with slashes: `socket/ip.ts`. */
	readonly path: string;
	readonly text: string;
	/** Every module it imports or re-exports: files of ours as `path` above, others as written. */
	readonly imports: readonly string[];
}

const IMPORT =
	/(?:^|[;}\s])(?:import|export)\s[^;"'`]*?\sfrom\s*["']([^"']+)["']|(?:^|[;}\s])import\s*\(?\s*["']([^"']+)["']|\bgetBuiltinModule\(\s*["']([^"']+)["']/g;

/**
 * Reads all TypeScript files below a folder of the repository.
 *
 * @param folder from the root: `src`
 */
export function readTree(folder: string): SourceFile[] {
	const start = join(ROOT, folder);
	if (!existsSync(start)) return [];
	return readdirSync(start, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".ts"))
		.map((name) => relative(start, join(start, name)).replaceAll("\\", "/"))
		.sort()
		.map((path) => {
			const text = readFileSync(join(start, path), "utf8");
			return { path, text, imports: importsOf(path, text) };
		});
}

function importsOf(path: string, text: string): string[] {
	return [...withoutComments(text).matchAll(IMPORT)].map((match) => {
		const specifier = match[1] ?? match[2] ?? match[3] ?? "";
		return specifier.startsWith(".")
			? posix.join(posix.dirname(path), specifier)
			: specifier.replace(/^#src\//, "");
	});
}

/** Blanks out comments; good enough for sources that a formatter has laid out. */
export function withoutComments(text: string): string {
	return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
