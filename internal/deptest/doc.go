// Package deptest holds tests about imports and dependencies, and no code.
package deptest
