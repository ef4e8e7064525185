// Holds: in the bundle every name of every module can be told apart, and every module finds its own names again.

import { posix } from "node:path";

/**
 * Under which name the bundle exports each name of each module: its own, or with a number where two modules share it.
 *
 * @param {Map<string, string[]>} names
 * @returns {Map<string, Map<string, string>>} module -> name -> name in the bundle
 */
export function chooseAliases(names) {
	/** @type {Map<string, number>} */
	const uses = new Map();
	/** @param {string} name */
	const choose = (name) => {
		const count = (uses.get(name) ?? 0) + 1;
		uses.set(name, count);
		return count === 1 ? name : `${name}_${count}`;
	};
	return new Map(
		[...names].map(([path, list]) => [path, new Map(list.map((name) => [name, choose(name)]))]),
	);
}

/** The text of a module that exports everything. @param {Map<string, Map<string, string>>} aliases */
export function entryOf(aliases) {
	return [...aliases]
		.map(([path, chosen]) => `export { ${pairs(chosen)} } from "./${path}";`)
		.join("\n");
}

/**
 * The text of the small file that stands where the module was.
 *
 * @param {string} path of the module, from the root of dist
 * @param {Map<string, string>} chosen
 * @param {string} bundle path of the bundle, from there too
 */
export function forwarderOf(path, chosen, bundle) {
	const reversed = new Map([...chosen].map(([name, alias]) => [alias, name]));
	const from = posix.relative(posix.dirname(path), bundle);
	const target = from.startsWith(".") ? from : `./${from}`;
	return chosen.size === 0 ? "export {};\n" : `export { ${pairs(reversed)} } from "${target}";\n`;
}

/** @param {Map<string, string>} names */
function pairs(names) {
	return [...names].map(([from, to]) => (from === to ? from : `${from} as ${to}`)).join(", ");
}
