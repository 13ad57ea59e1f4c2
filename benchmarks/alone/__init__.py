"""What only this project does or promises, measured without peers: each script answers with figures by name."""
