/** What `socketry notify` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	ready: {
		about: "Starting, or reloading, is finished: READY=1.",
		text: "starting, or reloading, is finished",
	},
	reloading: {
		about:
			"The configuration is being read again: RELOADING=1, with the time that systemd asks for. --ready has to follow.",
		text: "the configuration is being read again; --ready has to follow",
	},
	stopping: { about: "The service is about to end: STOPPING=1.", text: "the service ends" },
	status: {
		value: "TEXT",
		about: "How the service is, in one line for people, as systemctl status shows it: STATUS.",
		text: "how it is, in a line for people",
	},
	watchdog: {
		about: "A sign of life, for services with WatchdogSec=: WATCHDOG=1.",
		text: "a sign of life, for services with WatchdogSec=",
	},
	pid: {
		value: "PID",
		about:
			"Which process is the main one of the service from now on: MAINPID. The word parent stands for the process that runs socketry notify.",
		text: "the main process from now on; also parent, which runs this one",
		completes: "pid",
	},
	errno: {
		value: "N",
		about: "Number of the error because of which the service fails, 1 to 4095: ERRNO.",
		text: "number of the error because of which it fails",
	},
	extend: {
		value: "TIME",
		about:
			"Starting, running or stopping may take so long from now on, until the next such message: EXTEND_TIMEOUT_USEC.",
		text: "starting or stopping takes longer: more will be told within TIME",
	},
	"watchdog-time": {
		value: "TIME",
		about: "Within which time signs of life must come from now on: WATCHDOG_USEC.",
		text: "signs of life come within TIME from now on",
	},
	fd: {
		value: "N",
		multiple: true,
		about:
			"Have descriptor N kept for the next process of the service, which needs FileDescriptorStoreMax= in its unit: FDSTORE=1.",
		text: "have descriptor N kept, under --fd-name NAME, for the next process",
	},
	"fd-name": {
		value: "NAME",
		about: "With --fd: the name under which the next process finds it; stored by default.",
	},
	"fd-remove": {
		value: "NAME",
		about: "Have the descriptors of this name dropped: FDSTOREREMOVE=1.",
		text: "have the descriptors of this name dropped",
	},
	timeout: {
		value: "TIME",
		about:
			"Leave with exit code 124 when the service manager has not read the message after this time, 5s by default.",
		text: "leave with 124 if it is not read in time, 5s by default",
	},
	"no-wait": {
		about:
			"Do not wait until the message is read. The service manager cannot tell from whom it is when this process has ended before, unless it runs as root.",
		text: "do not wait until it is read",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: 'socketry notify --ready --status "serving on port 80"' },
		{ run: "socketry wait ./app.sock && socketry notify --ready" },
		{ run: 'socketry notify --stopping --status "3 connections left"' },
		{ run: "socketry notify --fd 3 --fd-name sessions 3<>./sessions" },
		{ run: "socketry notify X_MYSERVICE_LOAD=7", does: "an assignment of your own" },
	],
	usage: ["[OPTIONS] [NAME=VALUE...]"],
	description: [
		"Tells the service manager, systemd as a rule, how the service is that this is called from, as sd_notify(3) does for programs. Waits until the message is read. Its unit needs NotifyAccess=all, or NotifyAccess=main if its main process calls this as root.",
	],
	details: [
		"The message is sent in the name of the process that runs socketry notify, or that --pid names, if the kernel allows it; that takes root. Otherwise it is sent in its own name.",
	],
	options: OPTIONS,
	environment: [
		[
			"NOTIFY_SOCKET",
			"Where the service manager is told: a path, @NAME or vsock:CID:PORT. Without it nobody is.",
		],
		["MANAGERPID", "Process id of a service manager of a user, in whose name nothing is sent."],
	],
	seeAlso: ["socketry-wait(1)", "systemd-notify(1)", "sd_notify(3)", "systemd.service(5)"],
	exits: [
		["0", "told, and read"],
		["1", "nobody to be told: NOTIFY_SOCKET is not set, or nobody is there"],
		["2", "wrong usage"],
		["3", "no permission"],
		["124", "not read in time"],
	],
};
