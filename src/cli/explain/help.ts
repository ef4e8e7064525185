/** The text of `socketry explain --help`. */
export const HELP = `Examples:
  socketry explain 8080
  socketry explain ./app.sock
  socketry explain udp://example.org:53

Usage: socketry explain ADDRESS...

Tells what an address means to connect and to listen, which addresses a name
has, what is at a path, and which limits apply. Nothing is connected to.

Exit codes: 0 understood, 2 it is no address.
`;
