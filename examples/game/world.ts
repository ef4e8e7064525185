/** The state of the game, which only the server changes: players on a square, who walk the way they said last. */

/** One player. */
export interface Player {
	readonly id: number;
	x: number;
	y: number;
	dx: number;
	dy: number;
	/** Of the latest input. */
	sequence: number;
	/** How far the player sees. */
	radius: number;
	/** When something came last. */
	heardTick: number;
}

const SIZE = 1_000;
const STEP = 2;
const RADIUS_MAX = 200;

/** All players. */
export class World {
	tick = 0;
	readonly players = new Set<Player>();
	#lastId = 0;

	join(): Player {
		const id = ++this.#lastId & 0xffff;
		const [x, y] = [(id * 7_919) % SIZE, (id * 104_729) % SIZE];
		const heardTick = this.tick;
		const player = { id, x, y, dx: 0, dy: 0, sequence: 0, radius: RADIUS_MAX, heardTick };
		this.players.add(player);
		return player;
	}

	/** An input that was overtaken by a later one is none any more. */
	steer(player: Player, sequence: number, dx: number, dy: number): void {
		player.heardTick = this.tick;
		if (sequence > player.sequence) Object.assign(player, { sequence, dx, dy });
	}

	look(player: Player, radius: number): void {
		player.radius = Math.min(radius, RADIUS_MAX);
	}

	step(): void {
		this.tick++;
		for (const player of this.players) {
			player.x = Math.min(Math.max(player.x + player.dx * STEP, 0), SIZE);
			player.y = Math.min(Math.max(player.y + player.dy * STEP, 0), SIZE);
		}
	}

	/** Itself first, then whoever is near enough. */
	seenBy(player: Player): Player[] {
		const seen = [player];
		const { x, y, radius } = player;
		for (const other of this.players) {
			const isNear = Math.abs(other.x - x) <= radius && Math.abs(other.y - y) <= radius;
			if (isNear && other !== player) seen.push(other);
		}
		return seen;
	}
}
