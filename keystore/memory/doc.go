// Package memory keeps records and uses in the memory of one process. [Store] has no bound:
// where issuers come and go, [github.com/keychorus/keychorus/keystore/lru] has one.
package memory
