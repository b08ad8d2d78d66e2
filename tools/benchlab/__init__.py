"""What tools/bench is made of: traces to replay, and the programs that forward them."""
