"""What rows of trades hold, as tests/support/asx-csv.ts finds it in the CSV files: exact integers and a digest per symbol."""

import hashlib

COLUMNS = ["symbol", "trade_id", "price", "quantity", "timestamp_us", "trade_conditions"]


def units(value):
    """A decimal of scale 8 as an integer; a value of another scale or of another type fails."""
    assert value.as_tuple().exponent == -8, value
    return int(value.scaleb(8))


def symbol_facts(rows):
    """rows = tuples of COLUMNS, in any order."""
    by_symbol = {}
    for symbol, trade_id, price, quantity, timestamp_us, conditions in rows:
        line = int(trade_id.rsplit("-", 1)[1])
        by_symbol.setdefault(symbol, []).append((line, units(price), units(quantity), timestamp_us, "+".join(conditions)))
    facts = {}
    for symbol, trades in by_symbol.items():
        trades.sort()
        digest = hashlib.sha256()
        for trade in trades:
            digest.update(("%d,%d,%d,%d,%s\n" % trade).encode())
        facts[symbol] = {
            "rows": len(trades),
            "notional": str(sum(price * quantity for _, price, quantity, _, _ in trades)),
            "digest": digest.hexdigest(),
        }
    return facts
