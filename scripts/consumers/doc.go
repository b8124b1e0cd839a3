// Command consumers treats the modules of this repository as those who depend on them get
// them: packed, at a version, without replace lines.
//
//	consumers list              the modules that are published, in the order of their tags
//	consumers build             build a program on each, from a module proxy in a folder
//	consumers prepare VERSION   rewrite go.mod and go.sum of each for a release
//	consumers tidy VERSION      fail if go.mod or go.sum of one is not what go mod tidy makes
//
// All take -root, the top of the tree. Only what git would commit is packed. What build and
// tidy download is checked like that of anybody, except for the modules of this repository,
// which no checksum database knows yet.
package main
