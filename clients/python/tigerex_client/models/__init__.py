"""What the exchange answers: frozen values, money as Decimal, times in nanoseconds."""
