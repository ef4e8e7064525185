/** Becomes somebody without privileges and tries to give socket files away. Argument: a folder that everybody may write to. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { datagrams, listen, socketpair } from "socketry";
import { assertRefuses } from "../support/refusals.ts";

const [folder = ""] = process.argv.slice(2);
const NOBODY = 65_534;

// While the files of the package can be read.
for (const end of socketpair()) await end.close();
process.setgroups?.([NOBODY]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);

const denied = { code: "EPERM", message: /chown EPERM .*only root can give the socket file/ };
await assertRefuses(() => listen(`unix:${folder}/socket`, { owner: 0 }), denied);
await assertRefuses(() => listen(`unix:${folder}/socket`, { group: 0, mode: 0o660 }), denied);
await assertRefuses(
	() => listen(`unix:${folder}/socket`, { owner: 0, onStale: "replace" }),
	denied,
);
await assertRefuses(() => datagrams(`unix-dgram:${folder}/socket`, { owner: 0 }), denied);
assert.deepEqual(readdirSync(folder), []);

const own = await listen(`unix:${folder}/socket`, { owner: NOBODY, group: NOBODY, mode: 0o666 });
own.close();
