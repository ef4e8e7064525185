// Holds: the addon compiles without a warning for every kind of machine that a compiler here knows.
//
//   node tools/targets.mjs               into .build/targets
//   node tools/targets.mjs --prebuilds   into prebuilds, from where `npm pack` takes them: fails when a compiler is missing

import { buildStrictly } from "./build-native.mjs";
import { capture } from "./run.mjs";

/** Kind of machine, compiler, and the package of Debian that brings it. @type {readonly (readonly [string, string, string])[]} */
const TARGETS = [
	["linux-x64", "x86_64-linux-gnu-gcc", "gcc"],
	["linux-x64-musl", "musl-gcc", "musl-tools"],
	["linux-arm64", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"],
];

const isRelease = process.argv.includes("--prebuilds");
const folder = isRelease ? "prebuilds" : ".build/targets";
const lacking = TARGETS.filter(([, cc]) => capture(cc, ["--version"]).missing);
const present = TARGETS.filter((target) => !lacking.includes(target));
const built = present.filter(([target, cc]) =>
	buildStrictly(cc, `${folder}/${target}/socketry.node`),
);
const isWhole = built.length === (isRelease ? TARGETS : present).length;
process.exitCode = isWhole ? 0 : 1;
const names = built.map(([target]) => target).join(", ");
const advice = lacking.map(([target, , debian]) => `${target} (apt-get install ${debian})`);
console.log(
	`${isWhole ? "ok" : "built only"}: ${names}${advice.length > 0 ? `; not ${advice.join(", ")}` : ""}`,
);
