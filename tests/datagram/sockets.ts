/** What tests of datagrams have in common. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Datagrams } from "#src/datagram/datagrams.ts";

const directory = mkdtempSync(join(tmpdir(), "socketry-datagrams-"));
after(() => rmSync(directory, { recursive: true }));
let paths = 0;

/** A path where nothing is. */
export function freshPath(): string {
	return join(directory, `s${paths++}`);
}

/** The text of the next datagram. */
export async function text(socket: Datagrams): Promise<string> {
	return Buffer.from((await socket.receive()).data).toString();
}
