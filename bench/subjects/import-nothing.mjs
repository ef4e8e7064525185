// The empty process that import-socketry.mjs is compared with; a module, as that one is.
export {};
