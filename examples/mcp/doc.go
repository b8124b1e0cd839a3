// Command mcp is a server of the Model Context Protocol that wants an access token. It brings
// an issuer for development, serves the metadata that clients look for, calls itself as good
// and bad callers do, prints what each was answered, and ends: with status 1 if one was
// answered otherwise than it deserves.
package main
