// The command line of run.mjs.
import { parseArgs } from "node:util";
import { cases, matchingCases } from "./cases.mjs";
import { subjects } from "./subjects.mjs";

export const USAGE = `usage: npm run bench -- [options]

  --quick          all cases but the longest, within two minutes, with wider error bars
  --case GLOB      only these cases, e.g. 'pingpong/*' (may be given again)
  --subject LIST   only these subjects, e.g. c-epoll,socketry
  --rounds N       runs of each case and subject (5; with --quick up to 3)
  --json           one JSON object a line instead of tables
  --save           keep the result in bench/results/
  --list           print cases and their subjects, measure nothing
`;

// Times in milliseconds. A new round starts only while the budget lasts; the first always does.
const FULL = { warmUpMs: 300, measureMs: 1000, rounds: 5, budgetMs: Number.POSITIVE_INFINITY };
const QUICK = { warmUpMs: 120, measureMs: 250, rounds: 3, budgetMs: 95_000 };

/** The plan of a run; throws an Error whose message is for the person at the keyboard. */
export function readArguments(argv) {
	const { values } = parseArgs({
		args: argv,
		options: {
			quick: { type: "boolean", default: false },
			case: { type: "string", multiple: true },
			subject: { type: "string", default: "" },
			rounds: { type: "string" },
			json: { type: "boolean", default: false },
			save: { type: "boolean", default: false },
			list: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	const profile = { ...(values.quick ? QUICK : FULL) };
	if (values.rounds !== undefined) profile.rounds = readRounds(values.rounds);
	return {
		profile,
		cases: readCases(values.case, values.quick),
		subjects: readSubjects(values.subject),
		quick: values.quick,
		json: values.json,
		save: values.save,
		list: values.list,
		help: values.help,
	};
}

function readRounds(text) {
	const rounds = Number(text);
	if (Number.isInteger(rounds) && rounds > 0 && rounds <= 100) return rounds;
	throw new Error(`--rounds ${text}: give a whole number from 1 to 100`);
}

function readCases(patterns, quick) {
	if (patterns === undefined) return cases.filter(({ isLong }) => !(quick && isLong));
	const found = new Set();
	for (const pattern of patterns) {
		const matching = matchingCases(pattern);
		if (matching.length === 0) throw new Error(`--case ${pattern}: no such case; see --list`);
		for (const each of matching) found.add(each);
	}
	return [...found];
}

function readSubjects(list) {
	if (list === "") return subjects;
	return list.split(",").map((name) => {
		const subject = subjects.find((each) => each.name === name);
		if (subject === undefined) throw new Error(`--subject ${name}: no such subject; see --list`);
		return subject;
	});
}
