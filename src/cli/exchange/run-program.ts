/** A program that talks over a socket, which is its standard input and output. */
import { type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { type Address, formatAddress, LIMITS, type PeerCredentials } from "../../index.ts";
import type { Socket } from "../../socket/index.ts";
import { isUndelivered, untilDelivered } from "../../stream/linger.ts";
import { F_GETFL, F_SETFL, O_NONBLOCK, sys } from "../../sys/index.ts";
import { CutError, EXIT } from "../exit-code.ts";

/** What a program has to know besides. */
export interface ProgramSurroundings {
	readonly address: Address;
	readonly peer: Address | undefined;
	/** Who made the other end, where the kernel tells. */
	readonly credentials?: PeerCredentials | undefined;
	/** Asks it to end. */
	readonly signal: AbortSignal;
	/** Is told why it cannot run. */
	readonly onError: (message: string) => void;
}

/**
 * Runs a program with a socket as its standard input and output, which waits as programs expect it to. The socket stays open here, so that
 * what the program sent arrives although it ends with its input unread; that is waited for, at most 10 s.
 *
 * @param socket borrowed
 * @returns its exit code, 128 + n if signal n ended it, 126 or 127 if it could not run
 * @throws {CutError} the peer has not taken all of it in that time
 */
export async function runProgram(
	program: readonly string[],
	socket: Socket,
	{ address, peer, credentials, signal, onError }: ProgramSurroundings,
): Promise<number> {
	const { fd } = socket;
	// Not undone, for processes that the program leaves may go on. Our own calls never wait.
	sys.fcntl(fd, F_SETFL, sys.fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	socket.descriptor.rest();
	const env = { ...namesOf(address, peer), ...namesOfPerson(credentials) };
	const code = await exitOf(program, [fd, fd, "inherit"], env, signal, onError);
	// Closing the stream would not wait: it has written nothing itself. Writing is not ended, for the sake of the same processes.
	const isDelivered =
		!isUndelivered(socket) || (await untilDelivered(socket, LIMITS.closeMs, signal));
	if (isDelivered) return code;
	throw new CutError("data was cut: the peer has not taken all that the program wrote");
}

/** Runs a program with our own standard input and output. */
export function runAlone(
	program: readonly string[],
	signal: AbortSignal,
	onError: (message: string) => void,
): Promise<number> {
	return exitOf(program, "inherit", {}, signal, onError);
}

function exitOf(
	[command = "", ...args]: readonly string[],
	stdio: StdioOptions,
	names: Readonly<Record<string, string>>,
	signal: AbortSignal,
	onError: (message: string) => void,
): Promise<number> {
	return new Promise((resolve) => {
		const child = spawn(command, args, { stdio, env: { ...process.env, ...names } });
		const end = (): boolean => child.kill("SIGTERM");
		signal.addEventListener("abort", end, { once: true });
		const settle = (code: number): void => {
			signal.removeEventListener("abort", end);
			resolve(code);
		};
		child.once("error", (error: NodeJS.ErrnoException) => {
			const isMissing = error.code === "ENOENT";
			onError(
				isMissing ? `${command} is not there: install it, or give its path` : unfit(command, error),
			);
			settle(isMissing ? EXIT.notFound : EXIT.notExecutable);
		});
		child.once("exit", (code, name) => {
			settle(code ?? 128 + constants.signals[name as NodeJS.Signals]);
		});
	});
}

function unfit(command: string, { code, message }: NodeJS.ErrnoException): string {
	const advice = code === "EACCES" ? `; is it a program? chmod +x ${command}` : "";
	return `${command} cannot run: ${message}${advice}`;
}

// REMOTE_ADDR and REMOTE_PORT as systemd has them for services that are started for a connection; systemd.exec(5).
function namesOf(address: Address, peer: Address | undefined): Record<string, string> {
	const names: Record<string, string> = { SOCKETRY_ADDRESS: formatAddress(address) };
	if (peer === undefined) return names;
	names["SOCKETRY_PEER"] = formatAddress(peer);
	if ("host" in peer) {
		names["REMOTE_ADDR"] = peer.host;
		names["REMOTE_PORT"] = String(peer.port);
	}
	return names;
}

function namesOfPerson(credentials: PeerCredentials | undefined): Record<string, string> {
	if (credentials === undefined) return {};
	const { pid, uid, gid } = credentials;
	return {
		SOCKETRY_PEER_PID: String(pid),
		SOCKETRY_PEER_UID: String(uid),
		SOCKETRY_PEER_GID: String(gid),
	};
}
