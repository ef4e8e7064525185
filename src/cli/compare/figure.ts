/** Figures as people read them: three digits, fitting units. */

/** Microseconds with three significant digits; `unit` says what they are. */
export function formatUs(us: number): string {
	return us >= 10_000 ? grouped(us) : significant(us);
}

/** A count per second: 1,230,000. */
export function formatCount(perSecond: number): string {
	return grouped(Number(perSecond.toPrecision(3)));
}

/** Bytes per second as gigabits: 38.2. */
export function formatGigabits(bytesPerSecond: number): string {
	const gigabits = (bytesPerSecond * 8) / 1e9;
	return gigabits >= 0.01 ? significant(gigabits) : gigabits.toPrecision(1);
}

/** A share as a percentage; a trace is not rounded away. */
export function formatShare(share: number): string {
	const percent = share * 100;
	if (percent === 0) return "0 %";
	if (percent < 0.1) return "< 0.1 %";
	return percent < 10 ? `${percent.toFixed(1)} %` : `${percent.toFixed(0)} %`;
}

/** A size in bytes: 64 B, 64 KiB. */
export function formatBytes(bytes: number): string {
	if (bytes >= 1024 && bytes % 1024 === 0) return `${bytes / 1024} KiB`;
	return bytes < 10_000 ? `${bytes} B` : `${grouped(bytes)} B`;
}

/** How many times as much: 1.6. */
export function formatRatio(ratio: number): string {
	return ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0);
}

function significant(value: number): string {
	if (value >= 100) return grouped(Math.round(value));
	return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function grouped(value: number): string {
	return Math.round(value).toLocaleString("en-US");
}

/** A count per second in few characters: 1.23 M, 456 k. */
export function formatRate(perSecond: number): string {
	if (perSecond >= 1e6) return `${significant(perSecond / 1e6)} M`;
	return perSecond >= 1e4 ? `${significant(perSecond / 1e3)} k` : grouped(perSecond);
}

/** Puts the sign for "micro" where a text says `us` behind a figure or as a unit. */
export function withMicro(text: string, micro: string): string {
	return text.replace(/(?<=[\d\s])us(?=[\s,.;:)]|$)/gm, `${micro}s`);
}
