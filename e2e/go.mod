module github.com/keychorus/keychorus/e2e

go 1.26
