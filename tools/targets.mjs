// Holds: the addon compiles without a warning for every kind of machine that a compiler here knows.
//
//   node tools/targets.mjs               into .build/targets
//   node tools/targets.mjs --prebuilds   into prebuilds, from where `npm pack` takes them

import { buildStrictly } from "./build-native.mjs";
import { capture } from "./run.mjs";

/** Kind of machine, compiler, and the package of Debian that brings it. @type {readonly (readonly [string, string, string])[]} */
const TARGETS = [
	["linux-x64", "x86_64-linux-gnu-gcc", "gcc"],
	["linux-x64-musl", "musl-gcc", "musl-tools"],
	["linux-arm64", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"],
];

const folder = process.argv.includes("--prebuilds") ? "prebuilds" : ".build/targets";
const lacking = TARGETS.filter(([, cc]) => capture(cc, ["--version"]).missing);
const present = TARGETS.filter((target) => !lacking.includes(target));
const built = present.filter(([target, cc]) =>
	buildStrictly(cc, `${folder}/${target}/socketry.node`),
);
process.exitCode = built.length < present.length ? 1 : 0;
const names = built.map(([target]) => target).join(", ");
const advice = lacking.map(([target, , debian]) => `${target} (apt-get install ${debian})`);
console.log(`ok: ${names}${advice.length > 0 ? `; not ${advice.join(", ")}` : ""}`);
