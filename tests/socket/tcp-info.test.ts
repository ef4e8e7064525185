import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTcpInfo } from "#src/socket/tcp-info.ts";

function sample(bytes: number): Uint8Array {
	const info = new Uint8Array(bytes);
	const view = new DataView(info.buffer);
	info.set([1, 4, 2, 3, 5, 7, 0x79, 0b101]);
	const at = (offset: number, value: number): void => {
		if (offset + 4 <= bytes) view.setUint32(offset, value, true);
	};
	// Offsets as the C compiler places the fields.
	at(8, 204_000);
	at(16, 32_768);
	at(68, 47);
	at(100, 9);
	at(104, 1_000);
	at(112, 0xffff_ffff);
	at(116, 0xffff_ffff);
	at(120, 5);
	at(124, 1);
	at(148, 12);
	at(228, 65_536);
	at(240, 0x0002_0001);
	at(244, 77);
	at(248, 3);
	at(272, 4);
	return info;
}

test("every field is read from its place in the structure", () => {
	const info = decodeTcpInfo(sample(276));
	assert.equal(info.state, "ESTABLISHED");
	assert.equal(info.congestionState, "LOSS");
	assert.deepEqual([info.retransmits, info.probes, info.backoff, info.options], [2, 3, 5, 7]);
	assert.deepEqual([info.sndWscale, info.rcvWscale], [9, 7]);
	assert.deepEqual([info.deliveryRateAppLimited, info.fastopenClientFail], [true, 2]);
	assert.equal(info.rtoUs, 204_000);
	assert.equal(info.sndMssBytes, 32_768);
	assert.equal(info.rttUs, 47);
	assert.equal(info.totalRetrans, 9);
	assert.equal(info.pacingRateBytesPerSecond, 1_000);
	assert.equal(info.maxPacingRateBytesPerSecond, Number.POSITIVE_INFINITY);
	assert.equal(info.bytesAcked, 2 ** 32 + 5);
	assert.equal(info.minRttUs, 12);
	assert.equal(info.sndWndBytes, 65_536);
	assert.deepEqual([info.totalRto, info.totalRtoRecoveries, info.totalRtoTimeMs], [1, 2, 77]);
	assert.deepEqual([info.receivedCe, info.receivedCeBytes], [3, 4]);
});

test("what an older kernel does not tell is absent", () => {
	const old = decodeTcpInfo(sample(104));
	assert.equal(old.totalRetrans, 9);
	assert.ok(!("pacingRateBytesPerSecond" in old));
	const cut = decodeTcpInfo(sample(108));
	assert.ok(!("pacingRateBytesPerSecond" in cut));
	assert.ok(!("rcvWndBytes" in decodeTcpInfo(sample(232))));
	assert.equal(decodeTcpInfo(new Uint8Array()).state, "UNKNOWN");
});

test("a structure of a newer kernel is read as far as it is known", () => {
	assert.deepEqual(decodeTcpInfo(sample(400)), decodeTcpInfo(sample(276)));
});
