// Package docstest holds tests of the documentation, and no code.
package docstest
