package main

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// mint makes the token that a query describes.
func mint(iss *devissuer.Issuer, query url.Values) (string, error) {
	for name := range query {
		if !slices.Contains([]string{"shape", "aud", "scope", "sub", "expires_in"}, name) {
			return "", errors.New("unknown parameter: use shape, aud, scope, sub and expires_in")
		}
	}
	shape := devissuer.ShapeUser
	if s := query.Get("shape"); s != "" {
		shape = devissuer.Shape(s)
	}
	if !slices.Contains(devissuer.Shapes(), shape) {
		return "", errors.New("unknown shape: " + shapeNames(0, len(devissuer.Shapes())))
	}
	claims, err := iss.Shaped(shape)
	if err != nil {
		return "", err
	}
	if query.Has("aud") {
		claims["aud"] = slices.DeleteFunc(query["aud"], func(a string) bool { return a == "" })
	}
	if query.Has("scope") {
		claims["scp"] = strings.Fields(query.Get("scope"))
		if _, ok := claims["scope"]; ok {
			claims["scope"] = query.Get("scope")
		}
	}
	if query.Has("sub") {
		claims["sub"] = query.Get("sub")
	}
	if query.Has("expires_in") {
		seconds, err := strconv.ParseInt(query.Get("expires_in"), 10, 32)
		if err != nil {
			return "", errors.New("expires_in is a number of seconds")
		}
		claims["exp"] = devissuer.FromNow(time.Duration(seconds) * time.Second)
	}
	return iss.Mint(claims)
}
