package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

func Example() {
	none := func(string) string { return "" }
	code := run(context.Background(), []string{"fleet", "shwo"}, strings.NewReader(""), os.Stdout, os.Stdout, none)
	fmt.Println("exit code", code)
	// Output:
	// keychorus: fleet has no command shwo
	//   did you mean keychorus fleet show?
	// exit code 2
}
