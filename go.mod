module github.com/algocline/algocline

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/mattn/go-sqlite3 v1.14.53
	golang.org/x/sys v0.49.0
	gonum.org/v1/gonum v0.17.0
)
