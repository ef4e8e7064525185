/** What the game's server and its players tell each other. Every message fits a datagram, and says all that it needs: none waits for one that is lost. */
import type { Player } from "./world.ts";

/** Players that one snapshot shows: 20 bytes, and 6 for each. */
const SHOWN_MAX = 32;

/** From a player; all but the first carry the token that the server has sent to this address. */
export const FROM_PLAYER = { join: 0, input: 1, interest: 2 } as const;
/** From the server. */
export const FROM_SERVER = { token: 0, snapshot: 1 } as const;

/** As long as its answer, so that nobody can have the server send more to a stranger than he sends himself. */
export const JOIN: Uint8Array = Uint8Array.of(FROM_PLAYER.join, 0, 0, 0, 0, 0, 0, 0, 0);

const TOKEN_END = 9;

/** Which way the player goes from now on. The sequence number comes back in the snapshots that know of it. */
export function inputMessage(token: bigint, sequence: number, dx: number, dy: number): Uint8Array {
	const message = Buffer.alloc(TOKEN_END + 6, FROM_PLAYER.input);
	message.writeBigUInt64BE(token, 1);
	message.writeUInt32BE(sequence, TOKEN_END);
	message.writeInt8(dx, TOKEN_END + 4);
	message.writeInt8(dy, TOKEN_END + 5);
	return message;
}

/** How far the player wants to see. Sent again until a snapshot has that radius. */
export function interestMessage(token: bigint, radius: number): Uint8Array {
	const message = Buffer.alloc(TOKEN_END + 2, FROM_PLAYER.interest);
	message.writeBigUInt64BE(token, 1);
	message.writeUInt16BE(radius, TOKEN_END);
	return message;
}

/** A message of a player, taken apart. */
export type FromPlayer =
	| { readonly type: "join" }
	| { readonly type: "input"; token: bigint; sequence: number; dx: number; dy: number }
	| { readonly type: "interest"; token: bigint; radius: number };

/** Undefined for what is none: anybody can send anything. */
export function readFromPlayer(data: Uint8Array): FromPlayer | undefined {
	const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
	if (view.length < TOKEN_END) return undefined;
	if (view[0] === FROM_PLAYER.join) return { type: "join" };
	const token = view.readBigUInt64BE(1);
	if (view[0] === FROM_PLAYER.input && view.length === TOKEN_END + 6) {
		const sequence = view.readUInt32BE(TOKEN_END);
		const [dx, dy] = [view.readInt8(TOKEN_END + 4), view.readInt8(TOKEN_END + 5)];
		return { type: "input", token, sequence, dx: Math.sign(dx), dy: Math.sign(dy) };
	}
	if (view[0] === FROM_PLAYER.interest && view.length === TOKEN_END + 2) {
		return { type: "interest", token, radius: view.readUInt16BE(TOKEN_END) };
	}
	return undefined;
}

export function tokenMessage(token: bigint): Uint8Array {
	const message = Buffer.alloc(TOKEN_END, FROM_SERVER.token);
	message.writeBigUInt64BE(token, 1);
	return message;
}

/** What one player sees in one tick. The time is for the figures: only a player on the same machine can make something of it. */
export function snapshotMessage(
	tick: number,
	{ sequence, radius }: Player,
	shown: readonly Player[],
): Uint8Array {
	const count = Math.min(shown.length, SHOWN_MAX);
	const message = Buffer.allocUnsafe(20 + count * 6);
	message[0] = FROM_SERVER.snapshot;
	message.writeUInt32BE(tick, 1);
	message.writeUInt32BE(sequence, 5);
	message.writeUInt16BE(radius, 9);
	message.writeDoubleBE(nowUs(), 11);
	message[19] = count;
	for (let i = 0; i < count; i++) {
		const { id, x, y } = shown[i] as Player;
		message.writeUInt16BE(id, 20 + i * 6);
		message.writeUInt16BE(x, 22 + i * 6);
		message.writeUInt16BE(y, 24 + i * 6);
	}
	return message;
}

/** Microseconds since the machine started: the same in all processes. */
export function nowUs(): number {
	return Number(process.hrtime.bigint() / 1_000n);
}
