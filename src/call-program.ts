/**
 * Calls a function of the program, whose mistakes must not leave our own work half done: what it throws becomes an uncaught exception.
 *
 * @returns whether it returned
 */
export function callProgram(call: () => void): boolean {
	try {
		call();
		return true;
	} catch (error) {
		queueMicrotask(() => {
			throw error;
		});
		return false;
	}
}
