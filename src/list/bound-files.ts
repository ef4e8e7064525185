/**
 * The files of bound Unix sockets: whether they are still there, and where they are now. The kernel keeps the name that a socket was bound by.
 * Programs bind to a name that is free and rename the file, to replace another in one step; and this library binds long paths by way of a
 * descriptor of their directory.
 */
import { lstatSync, opendirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../limits.ts";
import type { KernelSocket } from "./kernel-socket.ts";

/** A file as it is now. */
export interface BoundFile {
	/** Where it is; the name that the kernel keeps, where it is nowhere. */
	readonly path: string;
	readonly state: "there" | "gone" | "replaced";
}

const UINT32 = 0x1_0000_0000n;
const OWN_NAME = /^(.*\/)\.([^/]+)\.socketry-new$/s;
const BY_DESCRIPTOR = /^(\/proc\/\d+\/fd\/\d+)(\/.*)$/s;

/** Finds files, each once. */
export class BoundFiles {
	readonly #found = new Map<string, BoundFile | undefined>();

	/**
	 * Finds the file of a socket.
	 *
	 * @param pid of a process that has the socket open, in whose tree of files it is looked for
	 * @returns undefined when it has none, or that cannot be found out
	 */
	find({ local, fileInode }: KernelSocket, pid: number | undefined): BoundFile | undefined {
		if (local?.family !== "unix" || !("path" in local) || local.bytes !== undefined)
			return undefined;
		if (fileInode === undefined || pid === undefined) return undefined;
		const key = `${fileInode} ${local.path}`;
		if (!this.#found.has(key)) {
			const isWhole = local.path.startsWith("/");
			const find = isWhole ? look : lookFromDirectory;
			this.#found.set(key, find(local.path, fileInode, pid));
		}
		return this.#found.get(key);
	}
}

// A relative path means what it meant in the directory of that time, which is that of now if the file is there.
function lookFromDirectory(name: string, inode: number, pid: number): BoundFile | undefined {
	try {
		const path = join(readlinkSync(`/proc/${pid}/cwd`), name);
		const file = look(path, inode, pid);
		return file?.state === "there" ? file : undefined;
	} catch {
		return undefined;
	}
}

function look(name: string, inode: number, pid: number): BoundFile | undefined {
	// A container has a tree of its own.
	const root = `/proc/${pid}/root`;
	const path = throughDescriptor(name);
	try {
		const { ino } = statSync(root + path, { bigint: true });
		if (ino % UINT32 === BigInt(inode)) return { path, state: "there" };
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") return undefined;
		const renamed = renamedFile(root, path, inode);
		return renamed === undefined ? { path, state: "gone" } : { path: renamed, state: "there" };
	}
	const renamed = renamedFile(root, path, inode);
	return renamed === undefined ? { path, state: "replaced" } : { path: renamed, state: "there" };
}

function throughDescriptor(name: string): string {
	const [, descriptor = "", rest = ""] = BY_DESCRIPTOR.exec(name) ?? [];
	if (descriptor === "") return name;
	try {
		return readlinkSync(descriptor).replace(/\/$/, "") + rest;
	} catch {
		return name;
	}
}

/** Looks beside the name that the file had; in a large directory only at the first entries. */
function renamedFile(root: string, path: string, inode: number): string | undefined {
	const [, directory = "", name = ""] = OWN_NAME.exec(path) ?? [];
	if (name !== "" && isFile(root + directory + name, inode)) return directory + name;
	const folder = path.slice(0, path.lastIndexOf("/") + 1);
	const found = sockets(root + folder).find((each) => isFile(root + folder + each, inode));
	return found === undefined ? undefined : folder + found;
}

function sockets(folder: string): readonly string[] {
	const names: string[] = [];
	try {
		const entries = opendirSync(folder);
		for (let i = 0; i < LIMITS.listingFilesCount; i++) {
			const entry = entries.readSync();
			if (entry === null) break;
			if (entry.isSocket()) names.push(entry.name);
		}
		entries.closeSync();
	} catch {
		// Not for us to read, or gone meanwhile.
	}
	return names;
}

function isFile(path: string, inode: number): boolean {
	try {
		return lstatSync(path, { bigint: true }).ino % UINT32 === BigInt(inode);
	} catch {
		return false;
	}
}
