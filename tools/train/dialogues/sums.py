"""Sums, stories with sums, comparing, counting, sequences, fractions, money."""
import math
from fractions import Fraction

from .lists import BOYS, COLOURS, GIRLS, NAMES, THINGS
from .numbers import ordinal, roman, words
from .phrasing import a as article
from .phrasing import ask, capital, listed, pick, styled

PLUS = ["What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "{a}+{b}=", "What is {a} plus {b}?", "{a} plus {b}", "How much is {a} + {b}?",
        "How much is {a} plus {b}?", "Add {a} and {b}.", "Please add {a} and {b}.", "What is the sum of {a} and {b}?", "What do you get if you add {a} and {b}?",
        "Calculate {a} + {b}.", "Can you add {a} and {b}?", "What does {a} + {b} make?", "{a} and {b} makes?", "Work out {a} + {b}.", "Solve {a} + {b}.",
        "What number is {a} more than {b}?", "If I add {a} to {b}, what do I get?", "Can you work out {a} plus {b} for me?", "Sum of {a} and {b}?",
        "Compute {a} + {b}.", "what's {a} and {b} together?", "Add these two numbers: {a}, {b}", "{a} added to {b} is what?", "What does {a} and {b} come to?", "What is the total of {a} and {b}?", "{a} and {b}, added up?", "I have {a} and get {b} more. How many is that?", "Put {a} and {b} together. What is the result?", "Is there a quick way to add {a} and {b}?", "{a} + {b} is?", "tell me {a} + {b}", "{a} plus {b} equals", "{a} plus {b} equals what?", "I need {a} + {b}.", "{b} more than {a} is?", "sum: {a} + {b}", "Increase {a} by {b}.", "{a} increased by {b}", "I have {a} here and {b} there. Together?", "My calculator is broken: {a} + {b}?", "add {b} to {a}", "Start at {a} and go up {b}.", "{a} & {b} added"]
MINUS = ["What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "{a} - {b} = ?", "{a}-{b}=", "What is {a} minus {b}?", "{a} minus {b}", "How much is {a} - {b}?",
         "How much is {a} minus {b}?", "Subtract {b} from {a}.", "Take {b} away from {a}.", "What is {a} take away {b}?", "What is left if I take {b} from {a}?",
         "Calculate {a} - {b}.", "What is the difference between {a} and {b}?", "Work out {a} - {b}.", "What number is {b} less than {a}?",
         "Solve {a} - {b}.", "If I take {b} off {a}, what is left?", "Can you subtract {b} from {a}?", "{a} less {b}?", "Difference of {a} and {b}?", "What remains of {a} without {b}?", "{a} without {b} is what?", "From {a} take {b}.", "How far is it from {b} to {a}?", "I have {a} and lose {b}. How many remain?", "tell me {a} - {b}", "Take {b} from {a}.", "take {b} away from {a} and tell me the rest", "What is {a} reduced by {b}?", "Decrease {a} by {b}.", "{a} minus {b} equals what?", "I need {a} - {b}.", "Start at {a} and go down {b}.", "{a} take {b}", "deduct {b} from {a}", "Remove {b} from {a}. How much is that?", "What must I add to {b} to get {a}?", "How much more is {a} than {b}?", "gap between {a} and {b}"]
TIMES = ["What is {a} x {b}?", "{a} x {b}", "{a}*{b}", "{a} * {b} = ?", "{a}x{b}=", "What is {a} times {b}?", "{a} times {b}", "How much is {a} × {b}?",
         "How much is {a} times {b}?", "Multiply {a} by {b}.", "Multiply {a} and {b}.", "What is {a} multiplied by {b}?", "What is the product of {a} and {b}?",
         "Calculate {a} × {b}.", "Calculate {a} times {b}.", "Work out {a} * {b}.", "Solve {a} x {b}.", "What do {a} lots of {b} make?",
         "Can you multiply {a} by {b}?", "{a} multiplied by {b} is what?", "Product of {a} and {b}?", "{a} groups of {b} make how many?", "{a} by {b}, multiplied?", "What do I get for {a} times {b}?", "Tell me {a} x {b}.", "Times table: {a} x {b}", "{a} times {b} is?", "{a} times {b} equals", "What are {a} {b}s?", "I need {a} × {b}.", "{a} rows of {b} are how many?", "multiply {a} with {b}", "{b} taken {a} times", "{a} multiplied with {b}", "Find the product: {a} and {b}", "What is {b}, {a} times over?"]
OVER = ["What is {a} / {b}?", "{a} / {b}", "{a}/{b}", "{a} / {b} = ?", "{a} : {b}", "What is {a} divided by {b}?", "{a} divided by {b}", "How much is {a} ÷ {b}?",
        "How much is {a} divided by {b}?", "Divide {a} by {b}.", "How many times does {b} go into {a}?", "Calculate {a} ÷ {b}.", "Work out {a} / {b}.",
        "{a} ÷ {b}", "Can you divide {a} by {b}?", "Share {a} into {b} equal parts. How big is each?", "Solve {a} ÷ {b}.", "How often does {b} fit into {a}?", "{a} over {b}?", "What do I get if I divide {a} by {b}?", "{a} in {b} equal parts, how much is one part?", "Tell me {a} / {b}.", "{a} split by {b}", "Split {a} into {b} equal parts. What is one?", "I need {a} ÷ {b}.", "{a} shared by {b} people is what each?", "divide {a} through {b}", "How many {b}s are in {a}?", "quotient of {a} and {b}", "{b} into {a} goes how often?", "{a} divided by {b} equals"]


def result(random, left, value):
    return random.choice([f"{left} = {value}.", f"{left} is {value}.", f"It is {value}.", f"{value}.", f"{value}", f"That makes {value}.", f"The answer is {value}.",
                          f"{left} makes {value}."])


def numeral(random, number, spelled):
    return words(number) if spelled else str(number)


def add_steps(a, b):
    """a + b with what is done place by place."""
    total = a + b
    if a >= 100 or b >= 100:
        parts, values = [], []
        for place in (100, 10, 1):
            x, y = a // place % 10 * place, b // place % 10 * place
            if x and y:
                parts.append(f"{x} + {y} = {x + y}")
            if x or y:
                values.append(x + y)
        if len(parts) < 2:
            return f"{a} + {b} = {total}."
        return f"{listed(parts)}. {' + '.join(map(str, values))} = {total}. So {a} + {b} = {total}."
    x, y, u, v = a // 10 * 10, b // 10 * 10, a % 10, b % 10
    if not (x and y):
        return f"{a} + {b} = {total}."
    return f"{x} + {y} = {x + y} and {u} + {v} = {u + v}. {x + y} + {u + v} = {total}. So {a} + {b} = {total}."


def subtract_steps(a, b):
    steps, left = [], a
    for place in (100, 10, 1):
        part = b // place % 10 * place
        if part:
            steps.append(f"{left} - {part} = {left - part}")
            left -= part
    return f"{listed(steps)}. So {a} - {b} = {left}." if len(steps) > 1 else f"{a} - {b} = {left}."


def multiply_steps(a, b):
    if a < 13 and b < 13:
        return f"{a} × {b} = {a * b}."
    small, large = sorted((a, b))
    if small >= 10 and small % 10:
        tens, ones = small // 10 * 10, small % 10
        return f"{large} × {tens} = {large * tens} and {large} × {ones} = {large * ones}. {large * tens} + {large * ones} = {a * b}. So {a} × {b} = {a * b}."
    parts = [large // place % 10 * place for place in (100, 10, 1)]
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return f"{a} × {b} = {a * b}."
    done = listed([f"{part} × {small} = {part * small}" for part in parts])
    return f"{done}. {' + '.join(str(part * small) for part in parts)} = {a * b}. So {a} × {b} = {a * b}."


def size(random):
    return random.choice([(1, 10), (1, 10), (2, 20), (10, 99), (10, 99), (10, 99), (1, 99), (100, 999)])


def add(random):
    a, b = random.randint(*size(random)), random.randint(*size(random))
    spelled = random.random() < 0.15
    q = ask(random, PLUS, a=numeral(random, a, spelled), b=numeral(random, b, spelled))
    easy = a + b <= 20 or min(a, b) < 10 and (a % 10 + b % 10 < 10 or max(a, b) < 100) or max(a, b) < 100 and a % 10 + b % 10 < 10 and random.random() < 0.7
    return [(q, result(random, f"{a} + {b}", a + b) if easy else add_steps(a, b))]


def subtract(random):
    b, a = sorted((random.randint(*size(random)), random.randint(*size(random))))
    if random.random() < 0.04 and a < 30:
        q = ask(random, MINUS[:9], a=b, b=a)
        return [(q, f"{b} - {a} = {b - a}." if a == b else f"{b} - {a} = -{a - b}. The result is below zero.")]
    spelled = random.random() < 0.15
    q = ask(random, MINUS, a=numeral(random, a, spelled), b=numeral(random, b, spelled))
    easy = a <= 20 or b < 10 or b % 10 == 0 and a < 100 or a < 100 and a % 10 >= b % 10 and random.random() < 0.7
    return [(q, result(random, f"{a} - {b}", a - b) if easy else subtract_steps(a, b))]


def multiply(random):
    a, b = random.choice([lambda: (random.randint(2, 10), random.randint(2, 10)), lambda: (random.randint(0, 12), random.randint(2, 12)),
                          lambda: (random.randint(11, 99), random.randint(2, 9)), lambda: (random.randint(2, 9), random.randint(11, 99)),
                          lambda: (random.randint(11, 30), random.randint(11, 30)), lambda: (random.randint(100, 400), random.randint(2, 9)),
                          lambda: (random.randint(2, 99), random.choice([10, 100]))])()
    spelled = random.random() < 0.15 and max(a, b) < 100
    q = ask(random, TIMES, a=numeral(random, a, spelled), b=numeral(random, b, spelled))
    easy = a < 13 and b < 13 or a in (10, 100) or b in (10, 100)
    return [(q, result(random, f"{a} × {b}", a * b) if easy else multiply_steps(a, b))]


def divide(random):
    b, c = random.choice([(random.randint(2, 10), random.randint(1, 12)), (random.randint(2, 10), random.randint(2, 12)), (random.randint(2, 9), random.randint(11, 50))])
    if random.random() < 0.3:
        r = random.randint(1, b - 1)
        a = b * c + r
        q = ask(random, ["What is {a} divided by {b}, with remainder?", "What is the remainder of {a} divided by {b}?", "{a} : {b} with remainder", "What is left over if I divide {a} by {b}?",
                         "Divide {a} by {b} with remainder.", "What remainder do you get when you divide {a} by {b}?", "What is {a} mod {b}?"], a=a, b=b)
        return [(q, random.choice([f"{b} × {c} = {b * c} and {a} - {b * c} = {r}, so {a} ÷ {b} is {c} with remainder {r}.", f"{b} goes into {a} {c} time{'s' if c > 1 else ''}, with remainder {r}.",
                                   f"The remainder is {r}, because {b} × {c} = {b * c} and {b * c} + {r} = {a}."]))]
    a = b * c
    spelled = random.random() < 0.12
    q = ask(random, OVER, a=numeral(random, a, spelled), b=numeral(random, b, spelled))
    return [(q, random.choice([result(random, f"{a} ÷ {b}", c), f"{a} ÷ {b} = {c}, because {b} × {c} = {a}."]))]


def part_of(random):
    draw = random.randrange(11)
    if draw == 0:
        n = random.choice([random.randint(1, 50), random.randint(50, 500)]) * 2
        return [(ask(random, ["What is half of {n}?", "half of {n}", "Halve {n}.", "What's {n} divided in half?", "How much is half of {n}?", "What is one half of {n}?", "50% of {n}", "What is 50 percent of {n}?"], n=n),
                 pick(random, ["Half of {n} is {h}.", "It is {h}.", "{h}", "Half of {n} is {h}, because {h} + {h} = {n}."], n=n, h=n // 2))]
    if draw == 1:
        n = random.choice([random.randint(2, 60), random.randint(50, 500)])
        return [(ask(random, ["What is double {n}?", "Double {n}.", "What is twice {n}?", "What is two times {n}?", "twice {n}", "How much is the double of {n}?", "What is {n} doubled?"], n=n),
                 pick(random, ["Double {n} is {h}.", "It is {h}.", "{h}", "Twice {n} is {h}.", "{n} + {n} = {h}."], n=n, h=n * 2))]
    if draw == 2:
        k, name = random.choice([(3, "third"), (4, "quarter"), (5, "fifth"), (10, "tenth"), (4, "quarter"), (6, "sixth"), (8, "eighth")])
        h = random.randint(2, 30)
        return [(ask(random, ["What is {one} of {n}?", "{one} of {n}", "How much is one {name} of {n}?", "What's 1/{k} of {n}?", "Find {one} of {n}."], n=h * k, one=article(name), name=name, k=k),
                 pick(random, ["{one} of {n} is {h}.", "{n} ÷ {k} = {h}, so {one} of {n} is {h}.", "It is {h}.", "{h}"], n=h * k, one=article(name), k=k, h=h))]
    if draw in (3, 4, 5, 6):
        p = random.choice([10, 20, 25, 50, 5, 30, 40, 75, 15, 60, 1, 80, 90, 100])
        step = Fraction(100, p).numerator if p != 15 else 20
        n = step * random.randint(1, max(2, 400 // step))
        value = n * p // 100
        assert value * 100 == n * p
        how = {10: f"10% is a tenth: {n} ÷ 10 = {value}.", 50: f"50% is half: {n} ÷ 2 = {value}.", 25: f"25% is a quarter: {n} ÷ 4 = {value}.", 20: f"20% is a fifth: {n} ÷ 5 = {value}.",
               1: f"1% is a hundredth: {n} ÷ 100 = {value}.", 100: f"100% is all of it, so {value}."}.get(p, f"{n} × {p} ÷ 100 = {value}.")
        if p in (30, 40, 60, 80, 90) and n % 10 == 0:
            how = f"10% of {n} is {n // 10}, so {p}% is {p // 10} × {n // 10} = {value}."
        if p == 75 and n % 4 == 0:
            how = f"A quarter of {n} is {n // 4}, so 75% is 3 × {n // 4} = {value}."
        return [(ask(random, ["What is {p}% of {n}?", "{p}% of {n}", "What is {p} percent of {n}?", "How much is {p}% of {n}?", "How much is {p} percent of {n}?", "{p} percent of {n}", "Calculate {p}% of {n}.", "Find {p}% of {n}.",
                              "If I save {p}% of {n} euros, how much is that?", "What's {p} per cent of {n}?", "{p}% from {n}", "Take {p}% of {n}.", "{p} percent of {n} is what?", "I need {p}% of {n}.", "Work out {p} percent of {n}.", "{n}: how much is {p}%?", "how many is {p}% of {n}", "A class has {n} pupils and {p}% are girls. How many girls?", "There are {n} seats and {p}% are taken. How many are taken?", "{p} per cent of {n} euros is how many euros?"], p=p, n=n), random.choice([how, how, f"{p}% of {n} is {value}.", f"{value}"]))]
    if draw == 7:
        n = random.choice([random.randint(1, 12), random.randint(2, 20), random.choice([25, 30, 40, 50, 100])])
        return [(ask(random, ["What is {n} squared?", "{n} squared", "What is the square of {n}?", "{n}^2", "How much is {n} squared?", "What is {n} to the power of 2?", "Square {n}."], n=n),
                 pick(random, ["{n} squared is {n} × {n} = {v}.", "{n} × {n} = {v}.", "It is {v}.", "{v}"], n=n, v=n * n))]
    if draw == 8:
        n = random.choice([random.randint(2, 12), random.randint(1, 20), 25, 30, 100])
        return [(ask(random, ["What is the square root of {v}?", "square root of {v}", "What number times itself makes {v}?", "sqrt({v})", "What is the root of {v}?", "√{v}"], v=n * n),
                 pick(random, ["The square root of {v} is {n}, because {n} × {n} = {v}.", "It is {n}.", "{n}", "{n}, because {n} × {n} = {v}."], n=n, v=n * n))]
    if draw == 9:
        n = random.randint(1, 10)
        return [(ask(random, ["What is {n} cubed?", "{n} cubed", "What is {n} to the power of 3?", "{n}^3", "What is the cube of {n}?"], n=n), pick(random, ["{n} × {n} × {n} = {v}.", "{n} cubed is {v}."], n=n, v=n ** 3))]
    k = random.choice([2, 3, 4])
    mean = random.randint(2, 30)
    while True:
        items = [mean + random.randint(-min(mean - 1, 8), 8) for _ in range(k - 1)]
        last = mean * k - sum(items)
        if 0 < last < 80:
            break
    items.append(last)
    return [(ask(random, ["What is the average of {l}?", "Find the average of {l}.", "average of {l}", "What is the mean of {l}?", "Calculate the mean of {l}."], l=listed(map(str, items))),
             f"{' + '.join(map(str, items))} = {sum(items)}, and {sum(items)} ÷ {k} = {mean}. The average is {mean}.")]


def three(random):
    draw = random.randrange(5)
    if draw < 2:
        items = [random.randint(1, random.choice([10, 20, 50])) for _ in range(random.choice([3, 3, 4]))]
        q = ask(random, ["What is {s}?", "{s}", "How much is {s}?", "{s} =", "Calculate {s}.", "Add {l}.", "What is the sum of {l}?", "Add up {l}.", "What do {l} make together?"], s=" + ".join(map(str, items)), l=listed(map(str, items)))
        steps, total = [], items[0]
        for item in items[1:]:
            steps.append(f"{total} + {item} = {total + item}")
            total += item
        return [(q, listed(steps) + f". The sum is {total}.")]
    a, b, c = random.randint(1, 20), random.randint(2, 10), random.randint(2, 10)
    if draw == 2:
        return [(ask(random, ["What is {a} + {b} × {c}?", "{a} + {b} * {c}", "{a}+{b}x{c}=", "How much is {a} + {b} x {c}?"], a=a, b=b, c=c), f"Multiply first: {b} × {c} = {b * c}. Then {a} + {b * c} = {a + b * c}.")]
    if draw == 3:
        return [(ask(random, ["What is ({a} + {b}) × {c}?", "({a} + {b}) * {c}", "({a}+{b})x{c}=", "How much is ({a} + {b}) x {c}?"], a=a, b=b, c=c), f"The brackets come first: {a} + {b} = {a + b}. Then {a + b} × {c} = {(a + b) * c}.")]
    a, b = random.randint(10, 60), random.randint(1, 30)
    c = random.randint(1, a + b - 1)
    return [(ask(random, ["What is {a} + {b} - {c}?", "{a} + {b} - {c}", "{a}+{b}-{c}=", "How much is {a} plus {b} minus {c}?", "Start with {a}, add {b}, take away {c}. What do you get?"], a=a, b=b, c=c),
             f"{a} + {b} = {a + b}, and {a + b} - {c} = {a + b - c}.")]


def who(random):
    girl = random.random() < 0.5
    return (random.choice(GIRLS), "she", "her") if girl else (random.choice(BOYS), "he", "his")


GIVEN = ["gives away {b}", "eats {b}", "loses {b}", "sells {b}", "gives {b} to a friend", "gives {b} to {her} sister", "drops {b}", "puts {b} away"]
GOT = ["gets {b} more", "buys {b} more", "finds {b} more", "is given {b} more", "picks up {b} more", "receives {b} from a friend", "wins {b} more"]
LEFT = ["How many are left?", "How many does {she} have left?", "How many {things} remain?", "How many {things} does {name} have now?", "How many does {name} still have?", "What is left?", "How many now?"]
NOW = ["How many does {she} have now?", "How many {things} does {name} have in all?", "How many {things} is that?", "How many are there altogether?", "What is the total?", "How many now?"]
FOOD = {"apple", "pear", "orange", "banana", "egg", "cookie", "tomato", "potato", "carrot", "nut", "plum", "peach", "cherry", "muffin", "pancake", "sandwich", "biscuit", "chocolate", "sweet",
        "doughnut", "lemon", "mushroom", "onion"}
FEW = ["apple", "pear", "orange", "banana", "egg", "book", "pen", "coin", "stamp", "marble", "sticker", "shell", "cookie", "flower", "ball", "card", "balloon", "muffin", "sweet", "crayon", "plum", "lemon", "button"]
PLURAL = dict(THINGS)


def things_of(random):
    one = random.choice(FEW) if random.random() < 0.4 else random.choice([t[0] for t in THINGS])
    return one, PLURAL[one]


def story_change(random):
    name, she, her = who(random)
    one, things = things_of(random)
    i_speak = random.random() < 0.3
    a = random.randint(3, random.choice([12, 20, 60, 100]))
    loss = random.random() < 0.55
    b = random.randint(1, a - 1) if loss else random.randint(2, random.choice([10, 30, 60]))
    moves = [m for m in (GIVEN if loss else GOT) if one in FOOD or "eats" not in m]
    move = random.choice(moves).format(b=b, her=her)
    if i_speak:
        changes = {"gives": "give", "eats": "eat", "loses": "lose", "sells": "sell", "drops": "drop", "puts": "put", "gets": "get", "buys": "buy", "finds": "find", "is given": "am given", "picks": "pick", "receives": "receive", "wins": "win",
                   "her sister": "my sister", "his sister": "my sister"}
        for old, new in changes.items():
            move = move.replace(old, new)
        text = random.choice([f"I have {a} {things} and {move}.", f"I have {a} {things}. I {move}.", f"If I have {a} {things} and {move},", f"I had {a} {things}. Then I {past(move)}."])
        end = random.choice(["how many are left?", "how many do I have left?", "how many {things} remain?"] if loss else ["how many do I have now?", "how many {things} is that?", "how many are there altogether?"]).format(things=things)
        q = text + " " + (end if text.endswith(",") else capital(end))
        subject = "You have"
    else:
        text = random.choice(["{name} has {a} {things} and {move}.", "{name} has {a} {things}. {She} {move}.", "There is a {child} called {name} who has {a} {things}. {She} {move}.", "{name} had {a} {things}. Then {she} {past}."])
        q = text.format(name=name, a=a, things=things, move=move, past=past(move), She=capital(she), she=she, child="girl" if she == "she" else "boy") + " " + random.choice(LEFT if loss else NOW).format(she=she, name=name, things=things)
        subject = f"{name} has"
    value = a - b if loss else a + b
    left = f"{a} - {b} = {value}" if loss else f"{a} + {b} = {value}"
    noun = one if value == 1 else things
    tail = " left" if loss else ""
    return [(styled(random, q, after=False), random.choice([f"{left}, so {subject[0].lower() + subject[1:] if subject == 'You have' else subject} {value} {noun}{tail}.", f"{subject} {value} {noun}{tail}, because {left}.", f"{left}. {subject} {value} {noun}{tail}.", f"{value} {noun}, because {left}."]))]


PAST = {"gives": "gave", "eats": "ate", "loses": "lost", "sells": "sold", "drops": "dropped", "puts": "put", "gets": "got", "buys": "bought", "finds": "found", "is given": "was given", "picks": "picked", "receives": "received",
        "wins": "won", "give": "gave", "eat": "ate", "lose": "lost", "sell": "sold", "drop": "dropped", "get": "got", "buy": "bought", "find": "found", "am given": "was given", "pick": "picked", "receive": "received", "win": "won"}


def past(move):
    for now, then in PAST.items():
        if move.startswith(now + " "):
            return then + move[len(now):]
    return move


def story_groups(random):
    one, things = things_of(random)
    box, boxes = random.choice([("box", "boxes"), ("bag", "bags"), ("basket", "baskets"), ("packet", "packets"), ("row", "rows"), ("jar", "jars"), ("crate", "crates"), ("tray", "trays"), ("pile", "piles")])
    a, b = random.randint(2, 12), random.randint(2, random.choice([10, 12, 20]))
    name, she, her = who(random)
    q = random.choice([f"There are {a} {boxes} with {b} {things} in each. How many {things} are there?", f"{name} has {a} {boxes}. Each {box} holds {b} {things}. How many {things} does {she} have?",
                       f"One {box} holds {b} {things}. How many {things} are in {a} {boxes}?", f"If every {box} has {b} {things}, how many are in {a} {boxes}?", f"I buy {a} {boxes} of {b} {things}. How many {things} is that in total?",
                       f"How many {things} are there in {a} {boxes} of {b}?", f"{a} children each have {b} {things}. How many {things} do they have together?", f"{name} reads {b} pages a day. How many pages does {she} read in {a} days?|pages",
                       f"A ticket costs {b} euros. What do {a} tickets cost?|euros", f"{name} earns {b} dollars an hour. How much does {she} earn in {a} hours?|dollars", f"A car has 4 wheels. How many wheels do {a} cars have?|4 wheels",
                       f"How many legs do {a} dogs have?|4 legs", f"How many legs do {a} spiders have?|8 legs", f"How many legs do {a} hens have in all?|2 legs", f"A week has 7 days. How many days are {a} weeks?|7 days", f"How many legs do {a} insects have?|6 legs",
                       f"How many fingers do {a} hands have, thumbs included?|5 fingers", f"How many months are {a} years?|12 months"])
    q, _, unit = q.partition("|")
    noun = things
    if unit:
        number, _, noun = unit.rpartition(" ")
        b = int(number) if number else b
    return [(styled(random, q, after=False), random.choice([f"{a} × {b} = {a * b}, so {a * b} {noun}.", f"{a * b} {noun}, because {a} × {b} = {a * b}.", f"{a} × {b} = {a * b}. That makes {a * b} {noun}.", f"{a * b} {noun}."]))]


def story_share(random):
    one, things = things_of(random)
    k, each = random.randint(2, 10), random.randint(2, 12)
    n = k * each
    name, she, her = who(random)
    if random.random() < 0.25:
        r = random.randint(1, k - 1)
        n += r
        q = random.choice([f"{k} children share {n} {things} equally. How many does each get, and how many are left over?", f"{name} puts {n} {things} into bags of {k}. How many full bags does {she} get, and how many {things} are left over?|b"])
        q, _, bag = q.partition("|")
        left = f"{r} {one} is" if r == 1 else f"{r} {things} are"
        return [(styled(random, q, after=False), f"{k} × {each} = {k * each}, so there are {each} full bags and {left} left over." if bag else f"{k} × {each} = {k * each}, so each gets {each} {things} and {left} left over.")]
    q = random.choice([f"{k} friends share {n} {things} equally. How many does each get?", f"{name} shares {n} {things} among {k} children. How many does each child get?", f"If {n} {things} are divided equally among {k} people, how many does each one get?",
                       f"I have {n} {things} and want to share them between {k} of us. How many each?", f"{name} has {n} {things} and {k} plates. How many go on each plate?", f"Divide {n} {things} fairly between {k} kids.",
                       f"{n} {things} are packed in boxes of {each}. How many boxes are needed?|k"])
    q, _, boxes = q.partition("|")
    if boxes:
        return [(styled(random, q, after=False), f"{n} ÷ {each} = {k}, so {k} boxes are needed.")]
    return [(styled(random, q, after=False), random.choice([f"{n} ÷ {k} = {each}, so each gets {each} {things}.", f"Each gets {each} {things}, because {k} × {each} = {n}.", f"Each one gets {each}.", f"{each} each, because {n} ÷ {k} = {each}."]))]


def story_two(random):
    one, things = things_of(random)
    (x, *_), (y, *_) = who(random), who(random)
    while x == y:
        y = random.choice(NAMES)
    a, b = random.randint(2, 30), random.randint(2, 30)
    draw = random.randrange(7)
    if draw == 0:
        q = random.choice([f"{x} has {a} {things} and {y} has {b}. How many do they have together?", f"{x} found {a} {things}. {y} found {b}. How many {things} did they find in all?", f"If {x} has {a} {things} and {y} has {b} {things}, what is the total?"])
        r = f"{a} + {b} = {a + b}, so together they have {a + b} {things}." if "found" not in q else f"{a} + {b} = {a + b}, so they found {a + b} {things}."
    elif draw == 1 and a != b:
        more, less = (x, y) if a > b else (y, x)
        q = f"{x} has {a} {things} and {y} has {b}. " + random.choice(["Who has more?", "Who has more, and how many more?", "Who has the most?"])
        d = abs(a - b)
        r = f"{more} has more: {max(a, b)} - {min(a, b)} = {d}, so {more} has {d} more than {less}."
    elif draw == 2:
        q = random.choice([f"{x} has {a} {things}. {y} has {b} more than {x}. How many does {y} have?", f"{y} has {b} more {things} than {x}, and {x} has {a}. How many does {y} have?"])
        r = f"{a} + {b} = {a + b}, so {y} has {a + b} {things}."
    elif draw == 3:
        q = random.choice([f"{x} is {a + 3} years old and {y} is {b} years older. How old is {y}?", f"{y} is {b} years older than {x}. {x} is {a + 3}. How old is {y}?"])
        r = f"{a + 3} + {b} = {a + 3 + b}, so {y} is {a + 3 + b} years old."
    elif draw == 4:
        age = b + random.randint(3, 40)
        q = f"{x} is {age} years old. {y} is {b} years younger. How old is {y}?"
        r = f"{age} - {b} = {age - b}, so {y} is {age - b} years old."
    elif draw == 5:
        k = random.randint(2, 5)
        q = f"{x} has {a} {things}. {y} has {words(k) if k > 3 else {2: 'twice', 3: 'three times'}[k]}{' times' if k > 3 else ''} as many. How many does {y} have?"
        r = f"{k} × {a} = {k * a}, so {y} has {k * a} {things}."
    else:
        g, c = random.randint(1, a), random.randint(1, 15)
        q = f"{x} had {a} {things}, gave {g} to {y} and then bought {c} more. How many {things} does {x} have now?"
        r = f"{a} - {g} = {a - g}, and {a - g} + {c} = {a - g + c}. {x} has {a - g + c} {one if a - g + c == 1 else things} now."
    return [(styled(random, q, after=False), r)]


MONEY = [("euro", "euros"), ("dollar", "dollars"), ("pound", "pounds")]


def money(random):
    unit, units = random.choice(MONEY)
    one, things = things_of(random)
    draw = random.randrange(5)
    name, she, her = who(random)
    u = lambda n: f"{n} {unit if n == 1 else units}"
    if draw == 0:
        pay = random.choice([5, 10, 20, 50, 100])
        cost = random.randint(1, pay - 1)
        q = random.choice([f"I pay for something that costs {u(cost)} with a {pay} {unit} note. How much change do I get?", f"A book costs {u(cost)}. I pay with {u(pay)}. What change do I get?", f"{name} buys a toy for {u(cost)} and pays with {u(pay)}. How much change does {she} get?",
                           f"What is the change from {u(pay)} if I spend {u(cost)}?", f"I had {u(pay)} and spent {cost}. How much is left?"])
        r = f"{pay} - {cost} = {pay - cost}, so {'you get ' + u(pay - cost) + ' back' if 'left' not in q and name not in q else name + ' gets ' + u(pay - cost) + ' back' if name in q else u(pay - cost) + (' is' if pay - cost == 1 else ' are') + ' left'}."
    elif draw == 1:
        k, price = random.randint(2, 9), random.randint(1, 15)
        q = random.choice([f"One {one} costs {u(price)}. How much do {k} {things} cost?", f"How much are {k} {things} at {u(price)} each?", f"If a {one} is {u(price)}, what do I pay for {k}?", f"{name} buys {k} {things} for {u(price)} each. What does {she} pay?"])
        q = q.replace(" a apple", " an apple").replace(" a orange", " an orange").replace(" a egg", " an egg").replace(" a onion", " an onion")
        r = f"{k} × {price} = {k * price}, so that is {u(k * price)}."
    elif draw == 2:
        k, price = random.randint(2, 9), random.randint(1, 15)
        q = f"{k} {things} cost {u(k * price)}. " + random.choice([f"How much is one {one}?", "What does one cost?", "What is the price of one?"])
        r = f"{k * price} ÷ {k} = {price}, so one costs {u(price)}."
    elif draw == 3:
        a, b, c = (random.randint(1, 30) for _ in range(3))
        q = random.choice([f"A shirt costs {u(a)}, a hat {u(b)} and a belt {u(c)}. What is the total?", f"I spent {u(a)} on food, {b} on books and {c} on a gift. How much in all?", f"Soup is {u(a)}, bread {u(b)} and tea {u(c)}. What do I pay?"])
        r = f"{a} + {b} + {c} = {a + b + c}, so it is {u(a + b + c)} in all."
    else:
        cents = random.choice([10, 20, 25, 50])
        k = random.randint(2, 12)
        total = cents * k
        q = random.choice([f"How much are {k} coins of {cents} cents?", f"I have {k} coins of {cents} cents. How much money is that?"])
        whole, rest = divmod(total, 100)
        shown = f"{total} cents" + ("" if total < 100 else f", which is {whole}.{rest:02d} euros" if rest else f", which is {whole} euro{'s' if whole > 1 else ''}")
        r = f"{k} × {cents} = {total}, so it is {shown}."
    return [(styled(random, q, after=False), r)]


def compare(random):
    draw = random.randrange(7)
    top = random.choice([20, 100, 1000, 10000])
    if draw == 0:
        a, b = random.sample(range(1, top), 2)
        return [(ask(random, ["Which is larger, {a} or {b}?", "Which number is bigger: {a} or {b}?", "Is {a} or {b} greater?", "What is more, {a} or {b}?", "which is bigger {a} or {b}", "Which one is higher, {a} or {b}?"], a=a, b=b), pick(random, ["{m} is larger than {n}.", "{m} is bigger.", "{m}", "{m}, because it is greater than {n}."], m=max(a, b), n=min(a, b)))]
    if draw == 1:
        a, b = random.sample(range(1, top), 2)
        return [(ask(random, ["Which is smaller, {a} or {b}?", "Which number is less: {a} or {b}?", "What is less, {a} or {b}?", "which is smaller {a} or {b}", "Which one is lower, {a} or {b}?"], a=a, b=b), pick(random, ["{n} is smaller than {m}.", "{n} is less.", "{n}", "{n} is the smaller one."], m=max(a, b), n=min(a, b)))]
    if draw == 2:
        a, b = random.sample(range(1, top), 2)
        word = random.choice(["greater", "bigger", "larger", "more", "less", "smaller"])
        right = (a > b) == (word in ("greater", "bigger", "larger", "more"))
        fact = f"{a} is {'greater' if a > b else 'less'} than {b}."
        return [(ask(random, ["Is {a} {w} than {b}?", "Is it true that {a} is {w} than {b}?"], a=a, b=b, w=word), ("Yes. " if right else "No. ") + fact)]
    items = random.sample(range(1, random.choice([20, 50, 100, 500])), random.choice([3, 4, 4, 5, 6]))
    if draw in (3, 4):
        big = random.random() < 0.5
        q = ask(random, ["What is the {w} of these numbers: {l}?", "Which of these is the {w}: {l}?", "Find the {w} number: {l}", "{w} number in {l}?", "Which number is the {w}? {l}", "Here are some numbers: {l}. Which is the {w}?"],
                w=random.choice(["largest", "biggest", "highest", "greatest"] if big else ["smallest", "lowest"]), l=", ".join(map(str, items)))
        value = max(items) if big else min(items)
        return [(q, pick(random, ["The {w} is {v}.", "{v}", "{v} is the {w}.", "It is {v}."], v=value, w="largest" if big else "smallest"))]
    up = random.random() < 0.65
    q = ask(random, ["Sort these numbers: {l}.", "Put these numbers in order: {l}", "Sort from smallest to largest: {l}", "Order these from low to high: {l}", "Arrange in ascending order: {l}."] if up else
            ["Sort from largest to smallest: {l}", "Sort these in descending order: {l}.", "Put these numbers in order, biggest first: {l}", "Order from high to low: {l}"], l=", ".join(map(str, items)))
    return [(q, ", ".join(map(str, sorted(items, reverse=not up))) + random.choice(["", "."]))]


def count(random):
    draw = random.randrange(5)
    if draw == 0:
        a = random.choice([1, 1, 1, 1, random.randint(2, 30)])
        b = a + random.randint(3, 11)
        q = ask(random, ["Count from {a} to {b}.", "count from {a} to {b}", "Can you count from {a} to {b}?", "Say the numbers from {a} to {b}.", "Give me all numbers from {a} to {b}.", "List the numbers {a} to {b}.", "numbers from {a} up to {b}", "Write down the numbers from {a} to {b}.", "Count up from {a} until {b}.", "Start at {a} and count to {b}."] + (["Count to {b}.", "Can you count to {b}?", "count up to {b}"] if a == 1 else []), a=a, b=b)
        return [(q, ", ".join(str(i) for i in range(a, b + 1)) + ".")]
    if draw == 1:
        b = random.randint(3, 20)
        a = 1 if b <= 12 else b - random.randint(4, 10)
        q = ask(random, ["Count down from {b} to {a}.", "Count backwards from {b} to {a}.", "count back from {b} to {a}", "Go from {b} down to {a}.", "Count in reverse from {b} to {a}.", "List the numbers from {b} down to {a}.", "Say the numbers backwards from {b} to {a}.", "Start at {b} and count down to {a}."] + (["Count down from {b}.", "Countdown from {b}!"] if a == 1 else []), a=a, b=b)
        return [(q, ", ".join(str(i) for i in range(b, a - 1, -1)) + ".")]
    if draw == 2:
        n = random.choice([random.randint(0, 30), random.randint(10, 100), random.randint(100, 1000)])
        w = random.choice(["after", "before"]) if n else "after"
        v = n + 1 if w == "after" else n - 1
        return [(ask(random, ["What number comes {w} {n}?", "Which number is right {w} {n}?", "What comes {w} {n}?", "The number just {w} {n}?"], w=w, n=n), pick(random, ["{v} comes {w} {n}.", "{v}", "It is {v}."], v=v, w=w, n=n))]
    if draw == 3:
        a = random.randint(1, 90)
        return [(ask(random, ["What number is between {a} and {b}?", "Which number lies between {a} and {b}?", "what comes between {a} and {b}"], a=a, b=a + 2), pick(random, ["{v} is between {a} and {b}.", "{v}"], v=a + 1, a=a, b=a + 2))]
    k = random.choice([2, 3, 4, 5, 10, 100, 20, 6, 7])
    n = random.randint(4, 8)
    return [(ask(random, ["Count in {w} up to {m}.", "Count by {w} to {m}.", "Count in steps of {k} to {m}."], w={2: "twos", 3: "threes", 4: "fours", 5: "fives", 10: "tens", 100: "hundreds", 20: "twenties", 6: "sixes", 7: "sevens"}[k], k=k, m=k * n), ", ".join(str(k * i) for i in range(1, n + 1)) + ".")]


def sequence(random):
    draw = random.randrange(5)
    n = random.choice([3, 4, 4, 5])
    start = random.randint(1, 20)
    if draw < 2:
        d = random.choice([1, 2, 2, 3, 4, 5, 5, 6, 7, 10, 10, 20, 100])
        start = random.choice([start, d])
        items, why = [start + d * i for i in range(n + 1)], f"each number is {d} more than the one before"
    elif draw == 2:
        d = random.choice([1, 2, 3, 5, 10])
        items = [d * n + start - d * i for i in range(n + 1)]
        why = f"each number is {d} less than the one before"
    elif draw == 3:
        k = random.choice([2, 2, 3, 10])
        start = random.randint(1, 5)
        items, why = [start * k ** i for i in range(n + 1)], {2: "each number is double the one before", 3: "each number is three times the one before", 10: "each number is ten times the one before"}[k]
    else:
        start = random.randint(1, 6)
        items, why = [(start + i) ** 2 for i in range(n + 1)], f"these are square numbers, and {start + n} × {start + n} = {(start + n) ** 2}"
    q = ask(random, ["What comes next: {l}?", "What number comes next? {l}, ...", "Continue the sequence: {l}", "{l}, ...?", "Which number comes after {l}?", "How does it go on? {l}", "{l}, and then?", "What follows: {l}?", "Fill in the next number: {l}, ...", "Guess the next number: {l}", "number pattern: {l}", "Here is a pattern: {l}. What is next?", "{l} ... what would be next?", "Go on: {l}", "Next in the row {l}?", "What is the next number in {l}?", "Next number: {l}, ?", "Complete: {l}, __", "which number follows {l}"], l=", ".join(map(str, items[:-1])))
    return [(q, pick(random, ["{v}, because {why}.", "The next number is {v}, because {why}.", "{v}", "{v} comes next."], v=items[-1], why=why))]


def is_prime(n):
    return n > 1 and all(n % i for i in range(2, int(n ** 0.5) + 1))


def nature(random):
    draw = random.randrange(9)
    n = random.choice([random.randint(0, 20), random.randint(10, 100), random.randint(100, 999)])
    even = n % 2 == 0
    if draw == 0:
        return [(ask(random, ["Is {n} even or odd?", "Is {n} odd or even?", "{n}: even or odd?", "even or odd: {n}", "Tell me if {n} is even or odd.", "{n}, odd or even?", "What is {n}, even or odd?"], n=n), f"{n} is {'even' if even else 'odd'}" + random.choice([".", ", because it " + ("can" if even else "cannot") + " be divided by 2 without a remainder.", f", because it ends in {n % 10}."]))]
    if draw == 1:
        w = random.choice(["even", "odd"])
        return [(ask(random, ["Is {n} an {w} number?", "is {n} {w}", "Would you call {n} {w}?"], n=n, w=w), ("Yes" if (w == "even") == even else "No") + f", {n} is {'even' if even else 'odd'}.")]
    if draw == 2:
        n = random.randint(2, 60)
        divisor = next((i for i in range(2, n) if n % i == 0), None)
        return [(ask(random, ["Is {n} a prime number?", "Is {n} prime?", "is {n} a prime", "Would you call {n} a prime number?", "{n}: prime or not?", "prime or not: {n}", "Check if {n} is prime.", "Tell me whether {n} is a prime number.", "Does {n} belong to the primes?", "{n}, is it a prime?"], n=n), f"Yes, {n} is a prime number. It can be divided only by 1 and itself." if is_prime(n) else f"No, {n} is not prime, because {divisor} × {n // divisor} = {n}.")]
    if draw in (3, 4):
        unit = random.choice([10, 10, 100, 1000])
        n = random.randint(unit // 10 + 1, 99 if unit == 10 else unit * 10 - 1)
        if n % unit == unit // 2:
            n += 1
        v = (n + unit // 2) // unit * unit
        name = {10: "ten", 100: "hundred", 1000: "thousand"}[unit]
        return [(ask(random, ["Round {n} to the nearest {name}.", "What is {n} rounded to the nearest {name}?", "round {n} to the nearest {u}", "{n} to the nearest {name}?"], n=n, name=name, u=unit), pick(random, ["{n} rounded to the nearest {name} is {v}.", "{v}", "It is {v}, because {n} is closer to {v} than to {o}."], n=n, name=name, v=v, o=v - unit if v > n else v + unit))]
    if draw == 5:
        k = random.randint(2, 10)
        m = random.randint(4, 100)
        return [(ask(random, ["Is {m} divisible by {k}?", "Can you divide {m} by {k} without a remainder?", "Does {k} go evenly into {m}?"], m=m, k=k), f"Yes, {m} ÷ {k} = {m // k}." if m % k == 0 else f"No. {m} ÷ {k} is {m // k} with remainder {m % k}.")]
    if draw == 6:
        n = random.choice([random.randint(0, 20), random.randint(20, 99), random.randint(100, 999), random.randint(1, 9) * 1000])
        return [(ask(random, ["Write {n} in words.", "How do you write {n} in words?", "How do you spell the number {n}?", "{n} in words"], n=n), pick(random, ["{n} is {w}.", "{w}", "In words: {w}."], n=n, w=words(n)))] if random.random() < 0.5 else \
               [(ask(random, ["Write {w} as a number.", "{w} in digits", "How do you write {w} in numbers?", "What is {w} in figures?"], w=words(n)), pick(random, ["{n}", "It is {n}.", "{w} is {n}."], n=n, w=words(n)))]
    if draw == 7:
        n = random.choice([random.randint(1, 20), random.randint(1, 100), random.choice([50, 100, 500, 1000])])
        return [(ask(random, ["What is {n} in Roman numerals?", "Write {n} as a Roman numeral.", "{n} in roman numerals"], n=n), pick(random, ["{n} is {r}.", "{r}"], n=n, r=roman(n)))] if random.random() < 0.5 else \
               [(pick(random, ["What number is {r} in Roman numerals?", "What does the Roman numeral {r} mean?", "Roman numeral {r}?", "Which number is {r}?"], r=roman(n)), pick(random, ["{r} is {n}.", "It is {n}.", "{n}"], n=n, r=roman(n)))]
    n = random.randint(1, 31)
    return [(ask(random, ["How do you write {n} as an ordinal number?", "What is the ordinal of {n}?", "{n} as an ordinal"], n=n), f"{ordinal(n)}")]


def fraction(random):
    draw = random.randrange(6)
    if draw == 0:
        a, b, c, d = random.choice([(1, 2, 1, 2), (1, 2, 1, 4), (1, 4, 1, 4), (1, 3, 1, 3), (1, 2, 1, 3), (3, 4, 1, 4), (1, 5, 2, 5), (2, 7, 3, 7), (1, 8, 3, 8), (1, 6, 1, 3), (3, 10, 4, 10), (1, 4, 2, 4), (2, 3, 1, 6), (1, 3, 1, 4), (2, 5, 1, 5)])
        v = Fraction(a, b) + Fraction(c, d)
        shown = str(v)
        how = f"{a}/{b} + {c}/{d} = {shown}."
        if b != d:
            low = b * d // math.gcd(b, d)
            how = f"{a}/{b} is {a * low // b}/{low} and {c}/{d} is {c * low // d}/{low}, so the sum is {a * low // b + c * low // d}/{low}" + (f" = {shown}." if v.denominator != low else ".")
        return [(ask(random, ["What is {a}/{b} + {c}/{d}?", "{a}/{b} + {c}/{d}", "Add {a}/{b} and {c}/{d}.", "How much is {a}/{b} plus {c}/{d}?"], a=a, b=b, c=c, d=d), how)]
    if draw == 1:
        v = Fraction(random.randint(1, 8), random.randint(2, 9))
        k = random.randint(2, 6)
        return [(ask(random, ["Simplify {x}/{y}.", "Simplify the fraction {x}/{y}.", "{x}/{y} in simplest form?", "Reduce {x}/{y}."], x=v.numerator * k, y=v.denominator * k), f"Divide both by {k}: {v.numerator * k}/{v.denominator * k} = {v}.")]
    if draw == 2:
        x, y, s, p = random.choice([(1, 2, "0.5", 50), (1, 4, "0.25", 25), (3, 4, "0.75", 75), (1, 5, "0.2", 20), (1, 10, "0.1", 10), (2, 5, "0.4", 40), (3, 5, "0.6", 60), (4, 5, "0.8", 80), (1, 8, "0.125", 12.5), (3, 10, "0.3", 30), (7, 10, "0.7", 70), (9, 10, "0.9", 90), (1, 100, "0.01", 1), (1, 20, "0.05", 5)])
        f = f"{x}/{y}"
        return [random.choice([(ask(random, ["What is {f} as a decimal?", "Write {f} as a decimal.", "{f} as decimal"], f=f), f"{f} is {s}."), (ask(random, ["What is {f} as a percentage?", "How many percent is {f}?", "{f} in percent"], f=f), f"{f} is {p}%."),
                               (ask(random, ["What is {s} as a fraction?", "Write {s} as a fraction.", "{s} as a fraction"], s=s), f"{s} is {f}."), (ask(random, ["What is {p}% as a fraction?", "Write {p}% as a fraction."], p=p), f"{p}% is {f}.")])]
    if draw == 3:
        a, b = random.sample([Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), Fraction(2, 3), Fraction(3, 4), Fraction(1, 5), Fraction(1, 10), Fraction(2, 5), Fraction(1, 8), Fraction(5, 6)], 2)
        return [(ask(random, ["Which is bigger, {a} or {b}?", "Is {a} or {b} more?", "Which fraction is larger: {a} or {b}?"], a=a, b=b), f"{max(a, b)} is bigger than {min(a, b)}.")]
    if draw == 4:
        y = random.choice([3, 4, 5, 8, 10])
        x = random.randint(2, y - 1)
        h = random.randint(2, 12)
        return [(ask(random, ["What is {x}/{y} of {n}?", "{x}/{y} of {n}", "How much is {x}/{y} of {n}?"], x=x, y=y, n=h * y), f"{h * y} ÷ {y} = {h}, and {h} × {x} = {h * x}. So {x}/{y} of {h * y} is {h * x}.")]
    a, b = random.randint(1, 99), random.randint(1, 99)
    s = a + b
    f = lambda n: f"{n // 10}.{n % 10}" if n % 10 else f"{n // 10}"
    return [(ask(random, ["What is {a} + {b}?", "{a} + {b}", "Add {a} and {b}."], a=f(a), b=f(b)), f"{f(a)} + {f(b)} = {f(s)}.")]


def unknown(random):
    x, b = random.randint(1, 15), random.randint(1, 15)
    draw = random.randrange(5)
    if draw == 0:
        return [(ask(random, ["x + {b} = {v}. What is x?", "If x + {b} = {v}, what is x?", "Solve for x: x + {b} = {v}", "What plus {b} is {v}?", "__ + {b} = {v}", "? + {b} = {v}", "{b} + __ = {v}", "Fill the gap: {b} + ... = {v}", "What is missing? __ + {b} = {v}", "Find the missing number: {b} + ? = {v}", "{b} and how much more make {v}?", "From {b} to {v}, how much is missing?", "Which number plus {b} makes {v}?", "How much must I add to {b} to get {v}?"], b=b, v=x + b), f"{x + b} - {b} = {x}, so it is {x}.")]
    if draw == 1:
        return [(ask(random, ["x - {b} = {v}. What is x?", "Solve for x: x - {b} = {v}", "I think of a number and take away {b}. I get {v}. What was my number?", "__ - {b} = {v}", "? - {b} = {v}", "Fill the gap: ... - {b} = {v}", "What minus {b} is {v}?", "From which number do I take {b} to get {v}?"], b=b, v=x), f"{x} + {b} = {x + b}, so it is {x + b}.")]
    if draw == 2:
        b = random.randint(2, 10)
        return [(ask(random, ["{b}x = {v}. What is x?", "Solve {b}x = {v}.", "What times {b} is {v}?", "__ × {b} = {v}", "{b} × ? = {v}", "{b} times what is {v}?", "Fill the gap: {b} x ... = {v}", "Find the missing number: ? x {b} = {v}", "I think of a number and multiply it by {b}. I get {v}. What is the number?"], b=b, v=x * b), f"{x * b} ÷ {b} = {x}, so it is {x}.")]
    if draw == 3:
        k = random.randint(2, 5)
        return [(ask(random, ["Solve {k}x + {b} = {v}.", "If {k}x + {b} = {v}, what is x?"], k=k, b=b, v=k * x + b), f"{k * x + b} - {b} = {k * x}, and {k * x} ÷ {k} = {x}. So x = {x}.")]
    a, b = random.randint(2, 12), random.randint(2, 12)
    shape = random.randrange(4)
    if shape == 0:
        return [(ask(random, ["What is the area of a rectangle with sides of {a} cm and {b} cm?", "A rectangle is {a} cm long and {b} cm wide. What is its area?", "A room is {a} m by {b} m. How big is it?|m"], a=a, b=b).split("|")[0], f"The area is {a} × {b} = {a * b}.")]
    if shape == 1:
        return [(ask(random, ["What is the perimeter of a square with sides of {a} cm?", "A square has sides of {a} cm. How long is its edge all round?"], a=a), f"4 × {a} = {4 * a}, so it is {4 * a} cm.")]
    if shape == 2:
        return [(ask(random, ["What is the perimeter of a rectangle of {a} by {b} cm?", "A garden is {a} m long and {b} m wide. How long is the fence around it?"], a=a, b=b), f"{a} + {b} = {a + b}, and 2 × {a + b} = {2 * (a + b)}. So it is {2 * (a + b)}.")]
    return [(ask(random, ["A car drives {v} km in an hour. How far does it go in {t} hours?", "At {v} km/h, how far do you get in {t} hours?"], v=a * 10, t=b), f"{b} × {a * 10} = {b * a * 10}, so {b * a * 10} km.")]


def running(random):
    """A sum that goes on over several turns: each refers to the last result."""
    a, b = random.randint(2, 30), random.randint(2, 30)
    turns = [(ask(random, PLUS[:14], a=a, b=b), f"{a} + {b} = {a + b}.")]
    value = a + b
    for _ in range(random.choice([1, 2, 2, 3])):
        n = random.randint(2, 10)
        draw = random.randrange(6)
        if draw == 0:
            q, new, left = ["plus {n}?", "and add {n}", "Now add {n}.", "Add {n} to that.", "and {n} more?", "Now plus {n}."], value + n, f"{value} + {n}"
        elif draw == 1 and value > n:
            q, new, left = ["minus {n}?", "Now take away {n}.", "Subtract {n} from that.", "and minus {n}", "Now take {n} off."], value - n, f"{value} - {n}"
        elif draw == 2 and value < 200:
            q, new, left = ["Double it.", "and doubled?", "Now double that.", "times two?", "Twice that?"], value * 2, f"{value} × 2"
        elif draw == 3 and value % 2 == 0:
            q, new, left = ["Halve it.", "and half of that?", "Now take half.", "Divide that by 2."], value // 2, f"{value} ÷ 2"
        elif draw == 4 and value < 60:
            n = random.randint(2, 5)
            q, new, left = ["times {n}?", "Now multiply by {n}.", "Multiply that by {n}."], value * n, f"{value} × {n}"
        else:
            q, new, left = ["Is that even or odd?", "even or odd?"], value, None
        turns.append((ask(random, q, n=n), f"{left} = {new}." if left else f"{value} is {'even' if value % 2 == 0 else 'odd'}."))
        value = new
    return turns


def everyday(random):
    """Small stories of ages, change, gaps, shares, speed, and reading."""
    (x, she, _), (y, *_) = who(random), who(random)
    while x == y:
        y = random.choice(NAMES)
    one, things = things_of(random)
    unit, units = random.choice(MONEY)
    draw = random.randrange(14)
    if draw == 0:
        now, years = random.randint(4, 60), random.randint(2, 30)
        q, r = random.choice([f"{x} is {now} now. How old will {she} be in {years} years?", f"In {years} years, how old is {x}, who is {now} today?", f"I am {now}. What will my age be in {years} years?|", f"{x} is {now}. What is {x}'s age {years} years from now?"]), f"{now} + {years} = {now + years}, so the age will be {now + years}."
    elif draw == 1:
        years = random.randint(2, 30)
        now = years + random.randint(2, 50)
        q, r = random.choice([f"{x} is {now}. How old was {she} {years} years ago?", f"{years} years ago, how old was {x}, who is {now} today?", f"I'm {now} years old. How old was I {years} years ago?"]), f"{now} - {years} = {now - years}, so the age was {now - years}."
    elif draw == 2:
        note, a, b = random.choice([20, 50, 100]), random.randint(2, 8), random.randint(2, 8)
        q, r = random.choice([f"{x} buys bread for {a} {units} and cheese for {b} {units} with a {note} {unit} note. What is the change?", f"I pay {a} and {b} {units} with a {note}. How much do I get back?", f"A cake is {a} {units}, a drink {b}. I give {note} {units}. Change?"]), f"{a} + {b} = {a + b}, and {note} - {a + b} = {note - a - b}. The change is {note - a - b} {units}."
    elif draw == 3:
        k, each = random.randint(2, 9), random.randint(2, 12)
        q, r = random.choice([f"{k} friends split a bill of {k * each} {units}. What does each pay?", f"A taxi costs {k * each} {units} and {k} people share it. How much per person?", f"We are {k} and have to pay {k * each} {units}. What is my part?", f"{k * each} {units} for {k} of us, how much each?"]), f"{k * each} ÷ {k} = {each}, so each pays {each} {units}."
    elif draw == 4:
        total = random.randint(10, 90)
        part = random.randint(1, total - 1)
        q, r = random.choice([f"There are {total} pupils in a school bus and {part} get off. How many stay on?", f"A book has {total} pages. {x} has read {part}. How many pages are left?", f"{total} birds sit on a roof. {part} fly away. How many are still there?", f"{x} wants {total} {things} and has {part}. How many are missing?", f"Of {total} eggs {part} broke. How many are whole?"]), f"{total} - {part} = {total - part}, so it is {total - part}."
    elif draw == 5:
        a, b = random.randint(3, 60), random.randint(2, 40)
        q, r = random.choice([f"A bus has {a} people in it and {b} get on. How many now?", f"{a} ducks swim on a pond and {b} more come. How many ducks are there?", f"{x} reads {a} pages on Monday and {b} on Tuesday. How many pages together?", f"In one basket are {a} {things}, in the other {b}. How many in both?", f"{x} walked {a} km and then {b} km more. How far in all?"]), f"{a} + {b} = {a + b}, so it is {a + b} in all."
    elif draw == 6:
        a, k = random.randint(2, 20), random.randint(2, 9)
        q, r = random.choice([f"{x} saves {a} {units} a week. How much is that in {k} weeks?", f"{x} swims {a} lengths every day. How many in {k} days?", f"A hen lays {a} eggs a week. How many do {k} hens lay?", f"Each of {k} tables seats {a} guests. How many guests can sit?", f"A box holds {a} {things}. I have {k} boxes. How many {things}?"]), f"{k} × {a} = {k * a}, so it is {k * a}."
    elif draw == 7:
        price, off = random.randint(2, 20) * 10, random.choice([10, 20, 50])
        less = price * off // 100
        q, r = random.choice([f"A coat costs {price} {units} and is {off}% off. What do I pay?", f"{price} {units} minus {off} percent?", f"What is the new price if {price} {units} fall by {off}%?", f"A lamp of {price} {units} is sold with {off}% off. New price?"]), f"{off}% of {price} is {less}, and {price} - {less} = {price - less}. So it is {price - less} {units}."
    elif draw == 8:
        v, t = random.randint(2, 12) * 10, random.randint(2, 6)
        q, r = random.choice([f"{x} drives {v * t} km in {t} hours. How fast is that?", f"A train needs {t} hours for {v * t} km. What is its speed?", f"{v * t} km in {t} hours, how many km per hour?"]), f"{v * t} ÷ {t} = {v}, so {v} km per hour."
    elif draw == 9:
        a, b = random.randint(12, 60), random.randint(2, 9)
        q, r = random.choice([f"{y} is {b} years younger than {x}, and {x} is {a}. What age is {y}?", f"{x} is {a}, which is {b} years more than {y}'s age. How old is {y}?"]), f"{a} - {b} = {a - b}, so {y} is {a - b} years old."
    elif draw == 10:
        k, c = random.randint(2, 6), random.randint(2, 12)
        q, r = random.choice([f"{x} is {k} times as old as {y}, who is {c}. How old is {x}?", f"{y} has {c} {things}. {x} has {k} times that number. How many has {x}?", f"A rope is {c} m long, another {k} times as long. How long is the second?"]), f"{k} × {c} = {k * c}, so it is {k * c}."
    elif draw == 11:
        a = random.randint(1, 9) * 10 + random.choice([0, 5])
        q, r = random.choice([f"What is missing from {a} to 100?", f"How much more do I need from {a} to get to 100?", f"{a} + ? = 100", f"{a} and what make 100?"]), f"100 - {a} = {100 - a}, so {100 - a} is missing."
    elif draw == 12:
        h, m = random.randint(1, 5), random.choice([5, 10, 15, 20, 30, 45])
        q, r = random.choice([f"A film lasts {h} hour{'s' if h > 1 else ''} and {m} minutes. How many minutes is that?", f"{h} h {m} min in minutes?", f"How many minutes are {h} hour{'s' if h > 1 else ''} and {m} minutes?"]), f"{h} × 60 = {h * 60}, and {h * 60} + {m} = {h * 60 + m}. So it is {h * 60 + m} minutes."
    else:
        a, b, c = random.randint(10, 40), random.randint(1, 9), random.randint(1, 15)
        q, r = random.choice([f"A bus has {a} people. {b} get off and {c} get on. How many are on it now?", f"{x} has {a} {units}, spends {b} and earns {c}. How much now?", f"There were {a} {things}. {b} were taken and {c} were added. How many are there?"]), f"{a} - {b} = {a - b}, and {a - b} + {c} = {a - b + c}. So it is {a - b + c}."
    return [(styled(random, q.rstrip("|"), after=False), r)]


FORMS = [everyday, everyday, everyday, everyday, add, add, add, subtract, subtract, subtract, multiply, multiply, multiply, divide, divide, part_of, part_of, part_of, three, story_change, story_change, story_change, story_groups, story_groups, story_share, story_two, story_two,
         money, money, compare, compare, count, sequence, nature, nature, fraction, unknown, running, running]


def sums(random):
    """One question about numbers, or a few."""
    return random.choice(FORMS)(random)
