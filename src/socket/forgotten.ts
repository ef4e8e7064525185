/**
 * Sockets that the program has forgotten: closed when V8 collects them, for they must not cost their descriptors for ever.
 *
 * To have V8 watch an object costs a microsecond and 100 bytes, and nobody can forget a socket that is closed at once, or on which somebody
 * waits. So a socket is held until the first full collection that finds nobody waiting on it, and may be forgotten from then on.
 */
import type { Descriptor } from "./descriptor.ts";

/** What owns a descriptor. */
interface Owner {
	readonly descriptor: Descriptor;
}

const COLLECTED =
	"A socket was garbage-collected while open: close it, or hold it with `await using`";

/** Sockets from this number on are watched at once: a single one of a million would have each collection look through a list of that length, for 80 ms. */
const HELD_COUNT = 131_072;

/** Those that are held, by the number of their descriptor. */
const held: (Owner | undefined)[] = [];
let isFollowing = false;
let warned = false;

const watched = new FinalizationRegistry<Descriptor>((descriptor) => {
	if (descriptor.fd < 0) return;
	descriptor.close();
	if (warned) return;
	// Said once, since it is a mistake in the program.
	warned = true;
	process.emitWarning(COLLECTED, { code: "SOCKETRY_FORGOTTEN" });
});

// Of objects that nobody holds: each tells of one full collection.
const collections = new FinalizationRegistry<undefined>(() => {
	for (const owner of held) {
		if (owner?.descriptor.isAwaited !== false) continue;
		held[owner.descriptor.fd] = undefined;
		watch(owner);
	}
	followCollections();
});

/** Closes the owner's descriptor when it is collected, until `keep`. */
export function closeForgotten(owner: Owner): void {
	const { fd } = owner.descriptor;
	if (fd >= HELD_COUNT) {
		watch(owner);
		return;
	}
	held[fd] = owner;
	if (isFollowing) return;
	isFollowing = true;
	followCollections();
}

/** Takes that back: to be called before the descriptor goes. */
export function keep(owner: Owner): void {
	const { descriptor } = owner;
	if (held[descriptor.fd] === owner) held[descriptor.fd] = undefined;
	else watched.unregister(descriptor);
}

function watch(owner: Owner): void {
	const { descriptor } = owner;
	watched.register(owner, descriptor, descriptor);
}

function followCollections(): void {
	collections.register({}, undefined);
}
