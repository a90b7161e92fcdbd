module github.com/algocline/algocline

go 1.26.0
