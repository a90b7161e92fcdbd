package confine

// Threads counts the threads of a process, and those of them that are confined.
type Threads struct {
	All        int
	NoNewPrivs int
	Seccomp    int // with a filter
}
