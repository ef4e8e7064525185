/** Descriptors that can be told apart: each of a file of its own, known by its inode wherever it arrives. */
import assert from "node:assert/strict";
import { fstatSync, readdirSync, readlinkSync } from "node:fs";
import { OwnedDescriptor } from "socketry";
import { sys } from "socketry/sys";

const MFD_CLOEXEC = 1;
const NAME = new TextEncoder().encode("socketry-marked");

/** A new file in memory. */
export function marked(): OwnedDescriptor {
	return OwnedDescriptor.fromFd(sys.memfd_create(NAME, MFD_CLOEXEC));
}

/** Several. */
export function markedMany(count: number): OwnedDescriptor[] {
	return Array.from({ length: count }, marked);
}

/** Which file a descriptor is of. */
export function markOf({ fd }: { readonly fd: number }): bigint {
	return fstatSync(fd, { bigint: true }).ino;
}

/** Which files descriptors are of; they are closed. */
export function takeMarks(descriptors: Iterable<OwnedDescriptor>): bigint[] {
	return Array.from(descriptors, (each) => {
		const mark = markOf(each);
		each.close();
		return mark;
	});
}

/** Closes them. */
export function closeAll(descriptors: Iterable<{ close(): unknown }>): void {
	for (const each of descriptors) each.close();
}

/** Descriptors of this process that are open on marked files. */
export function openMarkedCount(): number {
	return readdirSync("/proc/self/fd").filter((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`).startsWith("/memfd:socketry-marked");
		} catch {
			return false;
		}
	}).length;
}

/** Runs `body` with two ends, aborts them, and expects that nothing marked is left open. */
export async function withEnds<End extends { abort(): void }>(
	ends: readonly [End, End],
	body: (left: End, right: End) => Promise<void>,
): Promise<void> {
	const [left, right] = ends;
	try {
		await body(left, right);
	} finally {
		left.abort();
		right.abort();
	}
	assert.equal(openMarkedCount(), 0);
}
