// Holds: in the bundle every name of every module can be told apart, and every module finds its own names again.

/** @typedef {Map<string, string>} Aliases a module's name -> its name in the bundle */

/**
 * Under which name the bundle exports each name of each module: its own, or with a number where two modules share it.
 *
 * @param {Map<string, string[]>} names
 * @returns {Map<string, Aliases>} of each module
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

/** The text of a module that exports everything. @param {Map<string, Aliases>} aliases */
export function entryOf(aliases) {
	return [...aliases]
		.map(([path, chosen]) => `export { ${pairs(chosen)} } from "./${path}";`)
		.join("\n");
}

/**
 * The text of the small file that stands where the module was.
 *
 * @param {Aliases} chosen
 * @param {string} bundle as that file writes its path
 */
export function forwarderOf(chosen, bundle) {
	const reversed = new Map([...chosen].map(([name, alias]) => [alias, name]));
	return chosen.size === 0 ? "export {};\n" : `export { ${pairs(reversed)} } from "${bundle}";\n`;
}

/** @param {Map<string, string>} names */
function pairs(names) {
	return [...names].map(([from, to]) => (from === to ? from : `${from} as ${to}`)).join(", ");
}
