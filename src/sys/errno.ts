/**
 * Error numbers that the code decides by, as system calls return them: negative, Linux generic ABI
 * (asm-generic/errno.h).
 */
export { errnoName } from "../errno-name.ts";

export const EPERM = -1;
export const ENOENT = -2;
export const ESRCH = -3;
export const EINTR = -4;
export const EIO = -5;
export const ENXIO = -6;
export const EBADF = -9;
/** Also EWOULDBLOCK. */
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EBUSY = -16;
export const EEXIST = -17;
export const ENODEV = -19;
export const ENOTDIR = -20;
export const EINVAL = -22;
export const ENFILE = -23;
export const EMFILE = -24;
export const EPIPE = -32;
export const ERANGE = -34;
export const ENAMETOOLONG = -36;
export const ENOSYS = -38;
export const ELOOP = -40;
export const EPROTO = -71;
export const EOVERFLOW = -75;
export const ENOTSOCK = -88;
export const EDESTADDRREQ = -89;
export const EMSGSIZE = -90;
export const EPROTOTYPE = -91;
export const ENOPROTOOPT = -92;
export const EPROTONOSUPPORT = -93;
export const ESOCKTNOSUPPORT = -94;
/** Also ENOTSUP, which is what Node calls it. */
export const EOPNOTSUPP = -95;
export const EAFNOSUPPORT = -97;
export const EADDRINUSE = -98;
export const EADDRNOTAVAIL = -99;
export const ENETDOWN = -100;
export const ENETUNREACH = -101;
export const ECONNABORTED = -103;
export const ECONNRESET = -104;
export const ENOBUFS = -105;
export const EISCONN = -106;
export const ENOTCONN = -107;
export const ETOOMANYREFS = -109;
export const ETIMEDOUT = -110;
export const ECONNREFUSED = -111;
export const EHOSTDOWN = -112;
export const EHOSTUNREACH = -113;
export const EALREADY = -114;
export const EINPROGRESS = -115;
export const ESTALE = -116;
export const ECANCELED = -125;
