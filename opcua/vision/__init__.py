"""What vision posts find (OPC 40100-1): results kept, asked for, and told of."""
