/**
 * The error of the Sockets API: a `TypeError` whose message begins with its name, and whose stack does with both.
 *
 * @see https://sockets-api.proposal.wintertc.org/#socket-error
 */
export class SocketError extends TypeError {
	/** @param reason without the name; `cause` has the error of this library */
	constructor(reason: string, options?: ErrorOptions) {
		super(`SocketError: ${reason}`, options);
		// The stack takes the name of the moment; afterwards it is that of every TypeError.
		Object.defineProperty(this, "name", { value: "SocketError [TypeError]", configurable: true });
		Error.captureStackTrace(this, new.target);
		Reflect.deleteProperty(this, "name");
	}
}

/** What a program is told of a failure. */
export function socketError(error: unknown): SocketError {
	if (error instanceof SocketError) return error;
	return new SocketError(error instanceof Error ? error.message : String(error), { cause: error });
}
