/** What tests of the Sockets API have in common. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Listener, Stream } from "socketry";
import type { TlsListener } from "socketry/tls";
import { SocketError } from "socketry/winter";

/** The port of a listener. */
export function portOf({ address }: Listener<Stream<"tcp">> | TlsListener<"tcp">): number {
	return address.port;
}

/** Whether it is an error as the text has it: for `assert.throws` and `assert.rejects`. */
export function startsLikeOne(error: unknown): true {
	assert.ok(error instanceof SocketError, inspect(error));
	assert.ok(error instanceof TypeError);
	assert.match(error.message, /^SocketError: /);
	return true;
}
