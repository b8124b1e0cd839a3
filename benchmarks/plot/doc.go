// Package plot draws the charts beside the tables of RESULTS.md, as SVG.
package plot
