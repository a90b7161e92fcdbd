// Package machine tells how much memory this machine lets its processes have and how much of it
// this one uses. It owns nothing and changes nothing. Read [Memory] first.
package machine
