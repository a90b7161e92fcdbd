package recording_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/pool"
)

// A recording answers the prompts that it holds, in their order.
func ExamplePlayer() {
	rec, err := recording.Parse(strings.NewReader(`{"recording":1,"about":"an example"}
{"prompt":"What is 2+2?","response":"4"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	player := recording.NewPlayer(rec)
	for _, prompt := range []string{"What is 2+2?", "What is 3+3?"} {
		for answer, err := range player.Answer(context.Background(), pool.Query{ID: prompt, Prompt: prompt}) {
			if err != nil {
				fmt.Println("error:", err)
				continue
			}
			fmt.Println(*answer.Response)
		}
	}
	// Output:
	// 4
	// error: the recording has ended after 1 exchanges, but there is another query: What is 3+3?
}
