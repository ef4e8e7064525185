/** The text of `socketry wait --help`. */
export const HELP = `Examples:
  socketry wait localhost:5432 && ./migrate
  socketry wait ./app.sock db:5432 --timeout 30s -- ./start

Usage: socketry wait ADDRESS... [OPTIONS] [-- PROGRAM ARGUMENTS...]

Waits until somebody accepts connections at every ADDRESS, trying again and
again, with pauses from 50 ms to 1 s. Names are resolved each time.

Options:
  --timeout TIME       leave with 124 after 5s, 500ms, 2m; by default never
  --quiet              do not say what is waited for
  --json               a line of JSON for each that is reached

Exit codes: 0 all reached, or the code of PROGRAM, which is then run; 2 wrong
usage, 124 time is up, 126/127 PROGRAM cannot run/is not there.
`;
