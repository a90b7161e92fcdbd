package pool

import "context"

// Run starts a session; the same SID and code again is the same session. Errors as of [Client.Do].
func (c *Client) Run(ctx context.Context, r RunRequest) (Feed, error) {
	if r.LibPaths == nil {
		r.LibPaths = []string{} // simple workers want the member
	}
	return c.feed(ctx, OpRun, &r)
}

// Continue answers one or many queries of a session. Errors as of [Client.Do].
func (c *Client) Continue(ctx context.Context, r ContinueRequest) (Feed, error) {
	return c.feed(ctx, OpContinue, &r)
}

// Cancel ends a session and returns its end. Errors as of [Client.Do].
func (c *Client) Cancel(ctx context.Context, r CancelRequest) (Feed, error) {
	return c.feed(ctx, OpCancel, &r)
}

func (c *Client) feed(ctx context.Context, op Op, body any) (Feed, error) {
	data, err := c.Do(ctx, op, body)
	if err != nil {
		return Feed{}, err
	}
	return decodeFeed(data)
}

// Status asks about the worker, or about one of its sessions. Errors as of [Client.Do].
func (c *Client) Status(ctx context.Context, r StatusRequest) (Status, error) {
	data, err := c.Do(ctx, OpStatus, &r)
	if err != nil {
		return Status{}, err
	}
	return decodeStatusReply(data)
}

// Shutdown asks the worker to end. It returns when the worker has finished what it was stepping;
// the process ends soon after. Errors as of [Client.Do].
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.Do(ctx, OpShutdown, nil)
	return err
}
