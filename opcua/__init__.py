"""OPC UA, both ends of the wire: emulated PLCs that publish a plant, and the twin's subscriber."""
